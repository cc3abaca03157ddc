// What a hotkey got in past epochs, from a chain that has lost the state of some: the embedded one keeps none over a restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'

const life = new AbortController()
let dataDir = ''
let dev: DevChain
let chain: Chain

const start = async (): Promise<void> => {
  dev = await startDevChain({ dataDir, blockMs: 50, tempo: 4, log: silent, signal: life.signal })
  chain = await connectChain(dev.url, { log: silent, signal: life.signal })
}
const stop = async (): Promise<void> => {
  await chain.close()
  await dev.close()
}
const epochsFrom = (index: number): Promise<boolean> =>
  vi.waitUntil(async () => (await chain.epoch(1)).index >= index, { timeout: 60_000 })

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'cn-past-epochs-'))
  await start()
})
afterAll(async () => {
  await stop()
  life.abort()
  await rm(dataDir, { recursive: true })
})

test('every epoch that the endpoint still knows is a row, and the first that it lost says so', async () => {
  await epochsFrom(3)
  const all = await chain.earnings(1, DEV_ACCOUNT.address, 1000)
  expect(all.length).toBeGreaterThan(1)
  expect(all.every(({ state }) => state === 'unregistered')).toBe(true)
  expect(await chain.earnings(1, DEV_ACCOUNT.address, 2)).toHaveLength(2)
  const { index } = await chain.epoch(1)
  await stop()
  await start()
  await epochsFrom(index + 3)
  const left = await chain.earnings(1, DEV_ACCOUNT.address, 1000)
  expect(left[0]).toMatchObject({ state: 'discarded' })
  expect(left[0]!.epoch).toBeGreaterThanOrEqual(index)
  expect(left.slice(1).map(({ state }) => state)).toContain('unregistered')
  expect(left.slice(1).map(({ state }) => state)).not.toContain('discarded')
})

test('what an account holds, and what a call would cost it', async () => {
  const { address } = DEV_ACCOUNT
  const { freeRao, reservedRao } = await chain.funds(address)
  expect([freeRao, reservedRao]).toEqual([await chain.balance(address), 0n])
  for (const call of [
    { kind: 'transfer', to: address, rao: 1n },
    { kind: 'register', netuid: 1, hotkey: address },
    { kind: 'stake', netuid: 1, hotkey: address, rao: 1n },
  ] as const)
    expect(await chain.fee(address, call)).toBe(0n) // the embedded chain takes none
})
