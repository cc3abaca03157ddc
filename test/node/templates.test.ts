import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { labelling } from '../../src/node/commands/label.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { assertRentable, filledEnv, findTemplate, listTemplates } from '../../src/node/templates.ts'
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
  for (const { name, image, describe, volumes } of all) {
    expect(image).toMatch(/^[a-z0-9./-]+:[\w.-]+$/)
    expect([describe, volumes]).toEqual([expect.any(String), undefined])
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

test.each([
  ['no JSON', '{', /JSON/],
  ['no image', { ports: [80] }, /image/],
  ['a port that is none', { image: 'x:1', ports: [70_000] }, /ports\.0/],
  ['an image that is an option', { image: '--privileged' }, /image/],
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

test('volumes are told to be missing before anything is rented', () => {
  const volumes = [{ name: 'data', path: '/data' }]
  expect(() => assertRentable({ name: 't', image: 'x:1', volumes })).toThrow(/volume data/)
})

test('labels are set and removed by words', () => {
  expect(labelling(['team=a=b', 'old-', 'x='])).toEqual({
    set: { team: 'a=b', x: '' },
    remove: ['old'],
  })
  expect(() => labelling(['team'])).toThrow(/neither/)
})
