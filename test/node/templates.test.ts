import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ErrorCode, NodeError } from '../../src/errors.ts'
import { labelling } from '../../src/node/commands/label.ts'
import { orderWithCaches } from '../../src/node/commands/order-with-caches.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { filledEnv, findTemplate, listTemplates, mergedVolumes } from '../../src/node/templates.ts'
import { runCli } from '../support/run-cli.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-templates-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const written = async (content: unknown): Promise<string> => {
  const file = join(folder, 'mine.json')
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

test('the catalogue: each has a name, an image with a tag, and is found by its name', async () => {
  const all = await listTemplates()
  expect(all.map(({ name }) => name)).toEqual(['cuda', 'jupyter', 'pytorch', 'vllm'])
  for (const { name, image, describe, volumes = [] } of all) {
    expect(image).toMatch(/^[a-z0-9./-]+:[\w.-]+$/)
    expect(describe).toEqual(expect.any(String))
    // A lease of the catalogue never hangs on one miner.
    expect(volumes.every(({ cache }) => cache === true)).toBe(true)
    expect(await findTemplate(name)).toMatchObject({ name, image })
  }
  expect((await findTemplate('jupyter')).ports).toEqual([8888])
})

test('the command lists them and shows one, as its schemas say', async () => {
  const listed = await runCli(['templates', '--json'])
  outputSchemas['templates']!.schema.parse(JSON.parse(listed.stdout))
  // What it shows to a person is a template again.
  const { stdout } = await runCli(['templates', 'vllm'])
  const shown = await findTemplate(await written(stdout))
  expect(shown).toMatchObject({ name: 'mine', ports: [8000] })
  outputSchemas['templates NAME']!.schema.parse(shown)
  await expect(findTemplate('nothing')).rejects.toMatchObject({
    code: 'NOTHING_MATCHED',
    next: expect.stringContaining('pytorch'),
  })
})

const one = (path: string) => ({ name: 'a', path })

test.each([
  ['no JSON', '{', /JSON/],
  ['no image', { ports: [80] }, /image/],
  ['a port that is none', { image: 'x:1', ports: [70_000] }, /ports\.0/],
  ['an image that is an option', { image: '--privileged' }, /image/],
  [
    'a volume where the kernel is',
    { image: 'x:1', volumes: [{ name: 'a', path: '/proc/a' }] },
    /path/,
  ],
  ['a volume twice', { image: 'x:1', volumes: [one('/a'), one('/b')] }, /volumes/],
  ['a key of no meaning', { image: 'x:1', privileged: true }, /privileged/],
])('a file with %s is refused', async (_, content, why) => {
  await expect(findTemplate(await written(content))).rejects.toMatchObject({
    code: 'BAD_CONFIG_TEMPLATE',
    message: expect.stringMatching(why),
  })
})

test('values take the renter’s own variables, and say which one is missing', () => {
  const braced = ['x-$', '{TOKEN}-y'].join('')
  const env = { A: '$TOKEN', B: braced, C: 'costs $$5', D: 'plain' }
  expect(filledEnv({ name: 't', env }, { TOKEN: 'a$b' })).toEqual({
    ...{ A: 'a$b', B: 'x-a$b-y', C: 'costs $5', D: 'plain' },
  })
  expect(() => filledEnv({ name: 't', env }, {})).toThrow(/your \$TOKEN/)
})

test('volumes of a template go with those of the command line, which win by name and by path', () => {
  const volumes = [
    { name: 'data', path: '/data', sizeMiB: 64 },
    { name: 'models', path: '/models', cache: true as const },
  ]
  const template = { name: 't', volumes }
  expect(mergedVolumes(template, [], true)).toEqual([
    { name: 'data', path: '/data', sizeMiB: 64 },
    { name: 'models', path: '/models' },
  ])
  expect(mergedVolumes(template, [], false).map(({ name }) => name)).toEqual(['data'])
  const own = [
    { name: 'data', path: '/elsewhere' },
    { name: 'mine', path: '/models' },
  ]
  expect(mergedVolumes(template, own, true)).toEqual(own)
  const many = Array.from({ length: 8 }, (_, n) => ({ name: `v${n}`, path: `/v${n}` }))
  expect(() => mergedVolumes(template, many, true)).toThrow(/10 volumes/)
})

test('a cache that cannot be mounted now is done without, and nothing else is', async () => {
  const volumes = [{ name: 'models', path: '/models' }]
  const wish = { query: '', durationMs: 1000, waitMs: 5000, volumes }
  const asked: object[] = []
  const ordering = (code: ErrorCode) => (body: object) => {
    asked.push(body)
    return asked.length === 1 ? Promise.reject(new NodeError(code, 'no')) : Promise.resolve('lease')
  }
  const told: string[] = []
  const order = (code: ErrorCode, without = { ...wish, volumes: [] as typeof volumes }) => {
    asked.length = 0
    return orderWithCaches(ordering(code), wish, without, (why) => told.push(why))
  }
  expect(await order('REFUSED_VOLUME_BUSY')).toBe('lease')
  expect(asked).toEqual([
    { query: '', durationMs: 1000, volumes },
    { ...wish, volumes: [] },
  ])
  expect(told).toEqual([expect.stringContaining('without the template')])
  await expect(order('PEER_OUTCOME_UNKNOWN')).rejects.toMatchObject({
    code: 'PEER_OUTCOME_UNKNOWN',
  })
  // Volumes that are no caches are waited for.
  await expect(order('NOTHING_MATCHED', wish)).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
  expect(asked).toEqual([wish])
})

test('labels are set and removed by words', () => {
  expect(labelling(['team=a=b', 'old-', 'x='])).toEqual({
    set: { team: 'a=b', x: '' },
    remove: ['old'],
  })
  expect(() => labelling(['team'])).toThrow(/neither/)
})
