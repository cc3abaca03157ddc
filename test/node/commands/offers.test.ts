import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningNode } from '../../../src/node/node.ts'
import { sealOffer } from '../../../src/protocols/offers.ts'
import { localNode, TEST_GENESIS } from '../../support/local-node.ts'
import { offerOf, testKey } from '../../support/market.ts'
import { runCli } from '../../support/run-cli.ts'

let dataDir: string
let node: RunningNode
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cn-offers-'))
  node = await localNode({ dataDir })
  const { core, offers } = node.parts
  const now = Date.now()
  for (const [i, [dph, country]] of (
    [
      ['0.3', 'DE'],
      ['0.1', 'FR'],
      ['0.2', 'DE'],
    ] as const
  ).entries()) {
    const key = testKey(30 + i)
    const host = { ...offerOf(key).host, country }
    const offer = offerOf(key, { dph, host, seq: now, issuedAtMs: now, expiresAtMs: now + 600_000 })
    await offers.admit(sealOffer(core.net, key, offer))
  }
})
afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})
const run = (...args: string[]) =>
  runCli([...args, '--data-dir', dataDir, '--network', 'local', '--genesis', TEST_GENESIS])
const items = async (...args: string[]) => {
  const { stdout, exitCode } = await run('offers', ...args, '--json')
  return { exitCode, items: (JSON.parse(stdout) as { items: Record<string, unknown>[] }).items }
}

test('offers are listed cheapest first, as a table, as JSON and as ids', async () => {
  const table = await run('offers')
  expect(table.exitCode).toBe(0)
  expect(table.stdout).toMatch(/^ID +N +MODEL/)
  expect(table.stdout).toContain('process (no isolation, devnet only)')
  const json = await items()
  expect(json.items.map(({ dph }) => dph)).toEqual(['0.1', '0.2', '0.3'])
  const ids = (await run('offers', '-q')).stdout.trim().split('\n')
  expect(ids).toEqual(json.items.map(({ id }) => id))
  for (const id of ids) expect(table.stdout).toContain(id.slice(0, 12))
})

test('a query may stand in one argument or in many', async () => {
  expect((await items('geolocation in [DE] dph<0.3')).items.map(({ dph }) => dph)).toEqual(['0.2'])
  expect((await items('geolocation=DE', 'dph<0.3')).items).toHaveLength(1)
  expect((await items('gpu_name=CPU', '-o', '-dph')).items.map(({ dph }) => dph)).toEqual([
    '0.3',
    '0.2',
    '0.1',
  ])
})

test('nothing matched is exit code 3, also with --json', async () => {
  expect(await items('num_gpus>=1')).toEqual({ exitCode: 3, items: [] })
  expect(await run('offers', 'num_gpus>=1')).toMatchObject({
    exitCode: 3,
    stdout: 'no standing offer matches\n',
  })
})

test('what matches and is let is told, unless the query speaks of that itself', async () => {
  const key = testKey(40)
  const now = Date.now()
  const changes = { dph: '0.9', seq: now, issuedAtMs: now, expiresAtMs: now + 600_000 }
  const taken = offerOf(key, { ...changes, taken: true })
  await node.parts.offers.admit(sealOffer(node.parts.core.net, key, taken))
  const told =
    '1 let at the moment: rentable=false lists them, compute-node rent --wait waits for one\n'
  expect(await run('offers', 'dph>0.5')).toMatchObject({ exitCode: 3, stderr: told })
  expect(await run('offers', 'dph>0.5', 'rentable=true')).toMatchObject({ stderr: '' })
  expect(await run('offers', 'dph>0.9')).toMatchObject({ exitCode: 3, stderr: '' })
  expect((await run('offers', 'dph>0.5', '-q')).stderr).toBe('')
})

test('a query that cannot be read is exit code 2, with its place and the nearest field', async () => {
  const { exitCode, stdout, stderr } = await run('offers', 'dph<1 gpu_rm>3')
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
  expect(stderr).toContain('unknown field "gpu_rm": did you mean gpu_ram? (at character 7)')
  expect((await run('offers', '-o', 'prize')).exitCode).toBe(2)
})

test('a score that nobody knows is exit code 3, and --explain needs a peer', async () => {
  expect((await run('score')).exitCode).toBe(3)
  expect(await run('score', testKey(30).peerId)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('no score of'),
  })
  expect((await run('score', '--explain')).exitCode).toBe(2)
})
