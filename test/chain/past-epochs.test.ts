// What a hotkey got in past epochs, from a chain that has lost the state of some: the embedded one keeps none over a restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { Runtime } from '../../src/chain/dev/runtime.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import { poolPrice } from '../../src/chain/subtensor/read-price.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { proxyChain } from '../support/chain-proxy.ts'

const TAO = 1_000_000_000n
const [hotkey, nominator] = [1, 2].map((n) =>
  keyFromSeed('sr25519', new Uint8Array(32).fill(n)),
) as [Hotkey, Hotkey]
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

test('alpha that anybody burned or recycled is told by events, as far back as the endpoint keeps them', async () => {
  const { address } = hotkey
  await chain.register(1, DEV_ACCOUNT, address)
  await chain.addStake(1, DEV_ACCOUNT, address, 5n * TAO)
  await chain.transfer(DEV_ACCOUNT, nominator.address, 6n * TAO)
  await chain.addStake(1, nominator, address, 2n * TAO)
  const burn = async (coldkey: Hotkey, alpha: bigint, kind: 'burned' | 'recycled') => {
    const { block, events } = await chain.burnAlpha(1, coldkey, { hotkey: address, alpha, kind })
    expect(events).toContain(`subtensorModule.Alpha${kind === 'burned' ? 'Burned' : 'Recycled'}`)
    return { block: block.number, hotkey: address, coldkey: coldkey.address, kind }
  }
  const first = await burn(nominator, TAO / 2n, 'burned')
  const second = await burn(DEV_ACCOUNT, TAO, 'recycled')
  const third = await burn(nominator, 1000n * TAO, 'burned') // no more than it has
  const { from, to, burns } = await chain.burnedAlpha(1, { from: 1, to: third.block })
  expect(burns.slice(0, 2)).toEqual([
    { ...first, alpha: TAO / 2n },
    { ...second, alpha: TAO },
  ])
  expect(burns[2]).toMatchObject(third)
  expect(burns[2]!.alpha).toBeGreaterThan(TAO)
  expect(burns[2]!.alpha).toBeLessThan(1000n * TAO)
  expect(from).toBeGreaterThan(1) // older states were lost over the restart
  expect(to).toBe(third.block)
  const only = { from: second.block, to: second.block }
  expect((await chain.burnedAlpha(1, only)).burns.map(({ kind }) => kind)).toEqual(['recycled'])
  expect((await chain.burnedAlpha(2, only)).burns).toEqual([])
  expect(await chain.burnedAlpha(1, { from: 1, to: 1 })).toEqual({ from: 2, to: 1, burns: [] })
  await expect(chain.burnedAlpha(1, { from: 1, to: 7201 })).rejects.toMatchObject({
    code: 'BAD_CONFIG_BLOCKS',
  })
  const nothing = chain.burnAlpha(1, DEV_ACCOUNT, {
    ...first,
    hotkey: nominator.address,
    alpha: 1n,
  })
  await expect(nothing).rejects.toMatchObject({ details: { error: 'HotKeyAccountNotExists' } })
})

test('a commitment whose state is gone is found in its block, without the word that it succeeded', async () => {
  const hotkey = keyFromSeed('sr25519', new Uint8Array(32).fill(7))
  await chain.register(1, DEV_ACCOUNT, hotkey.address)
  const bytes = new Uint8Array(73).fill(5)
  const { block } = await chain.setCommitment(1, hotkey, bytes)
  const place = await chain.commitmentIn(1, hotkey.address, block.number)
  await vi.waitUntil(async () => (await chain.head()).number > block.number) // it keeps its newest block's state
  await stop()
  await start()
  await vi.waitUntil(async () => (await chain.head()).number > block.number + 2)
  expect(await chain.commitmentIn(1, hotkey.address, block.number)).toEqual({
    ...place,
    isCertain: false,
  })
})

test('what an epoch emits for a hotkey is stake on it from then on, by its nominators’ shares', async () => {
  await chain.addStake(1, nominator, hotkey.address, 2n * TAO)
  const { index } = await chain.epoch(1)
  await epochsFrom(index + 2)
  const [before, after] = await chain.earnings(1, hotkey.address, 2)
  if (before?.state !== 'read' || after?.state !== 'read') throw new Error('an epoch was not read')
  expect(after.emission).toBeGreaterThan(3n * TAO) // of four blocks, less the cut
  expect(after.stake - before.stake).toBe(after.emission)
  expect(after.priceRao).toBeGreaterThan(TAO) // a pool of as much alpha as TAO, of which some was bought
  expect(after.priceRao).toBeLessThan(TAO + TAO / 1000n)

  const then = await chain.delegation(1, hotkey.address, before.block)
  const now = await chain.delegation(1, hotkey.address, after.block)
  expect(now).toMatchObject({ owner: DEV_ACCOUNT.address, take: 11_796, stake: after.stake })
  const coldkeys = [DEV_ACCOUNT.address, nominator.address]
  expect(now.nominators.map(({ coldkey }) => coldkey)).toEqual(coldkeys)
  const takeOf = (after.emission * 11_796n) / 65_535n
  expect(now.shared).toBe(after.emission - takeOf)
  const parts = now.nominators.map(({ stake }) => stake)
  expect(after.stake - parts[0]! - parts[1]!).toBeLessThan(2n)
  // A nominator gets its part of what is left after the take; of one millionth of a share a unit is lost at most.
  const fair = (then.nominators[1]!.stake * now.shared!) / (then.stake + takeOf)
  const got = parts[1]! - then.nominators[1]!.stake
  expect(got - fair <= 1n && fair - got <= 1n).toBe(true)
  expect((await chain.delegation(1, nominator.address)).nominators).toEqual([])
  const at = await chain.head()
  const [whole, part] = [await chain.delegation(1, hotkey.address, at.number), nominator.address]
  const has = whole.nominators.find(({ coldkey }) => coldkey === part)!.stake
  expect(await chain.stakesOf(1, part, at)).toEqual(new Map([[hotkey.address, has]]))
  // The owner of the subnet has its cuts on a hotkey of its own besides.
  const owners = await chain.stakesOf(1, DEV_ACCOUNT.address, at)
  expect([...owners.keys()].sort()).toEqual([hotkey.address, DEV_ACCOUNT.address].sort())
})

test('a subnet with more mechanisms has an incentive and rows of weights in each', async () => {
  const runtime = new Runtime(424)
  const key = (name: string, netuid: number): string =>
    runtime.key(runtime.entry('subtensorModule', name), [netuid])
  const proxy = await proxyChain(dev.url)
  const wanted = new Map([
    [key('mechanismCountCurrent', 1), '0x02'],
    [
      key('incentive', 4096 + 1),
      runtime.encode(runtime.entry('subtensorModule', 'incentive'), [777]),
    ],
  ])
  proxy.answer = (method, [asked]) =>
    method === 'state_getStorage' ? wanted.get(String(asked)) : undefined
  const two = await connectChain(proxy.url, { log: silent, signal: life.signal })
  expect([await chain.mechanisms(1), await two.mechanisms(1)]).toEqual([1, 2])
  const [earning] = await two.earnings(1, hotkey.address, 1)
  expect(earning).toMatchObject({ incentive: 0, incentives: [0, 777] })
  expect(await chain.earnings(1, hotkey.address, 1)).toMatchObject([{ incentives: [0] }])
  await two.close()
  await proxy.close()
})

test('alpha costs what its pool says, by weights where it has them', () => {
  const half = 5n * 10n ** 17n
  expect(poolPrice(3n * TAO, 2n * TAO, half)).toBe((3n * TAO) / 2n)
  expect(poolPrice(3n * TAO, 2n * TAO, half / 2n)).toBe((9n * TAO) / 2n)
  expect(poolPrice(TAO, 0n, half)).toBeUndefined()
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
