// A record of what a hotkey earned, over a chain that loses the state of past blocks: the embedded one keeps none over a
// restart.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import type { Chain } from '../../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../../src/chain/dev-account.ts'
import { connectChain } from '../../../src/chain/subtensor.ts'
import { createWallet, loadHotkey } from '../../../src/chain/wallet.ts'
import { silent } from '../../../src/log.ts'
import { createChainView } from '../../../src/node/chain-view.ts'
import { configWith } from '../../../src/node/config.ts'
import type { Core } from '../../../src/node/core.ts'
import { dataFolder } from '../../../src/node/data-folder.ts'
import { nominatorRows } from '../../../src/node/delegate-rows.ts'
import { mergedEarnings, totalOf } from '../../../src/node/earning-rows.ts'
import { openEarningsBook } from '../../../src/node/earnings-book.ts'
import { createEvents, type NodeEvent } from '../../../src/node/events.ts'
import { formatTao } from '../../../src/node/format-tao.ts'
import { recordedEarnings, recordedShares } from '../../../src/node/recorded-earnings.ts'
import { recordEarnings } from '../../../src/node/services/record-earnings.ts'
import { openStore } from '../../../src/node/store.ts'
import { createNetwork } from '../../../src/protocols/network.ts'

const TAO = 1_000_000_000n
const life = new AbortController()
let folder = ''
let hotkey = ''
let dev: DevChain
let chain: Chain

async function startChain(): Promise<void> {
  const options = { dataDir: join(folder, 'chain'), blockMs: 50, tempo: 4, log: silent }
  dev = await startDevChain({ ...options, signal: life.signal })
  chain = await connectChain(dev.url, { log: silent, signal: life.signal })
}
async function stopChain(): Promise<void> {
  await chain.close()
  await dev.close()
}
const untilEpoch = (index: number): Promise<boolean> =>
  vi.waitUntil(async () => (await chain.epoch(1)).index >= index, { timeout: 60_000 })

/** Runs the service in the data folder until it has written down this many newest epochs, one after another. */
async function recordUntil(times: number): Promise<NodeEvent[]> {
  const running = new AbortController()
  await using store = await openStore(dataFolder(folder).storeFolder)
  const events = createEvents(Date.now)
  const net = createNetwork('local', 1, chain.genesis)
  const wallet = { walletPath: join(folder, 'wallets'), walletName: 'w', walletHotkey: 'h' }
  const config = configWith(wallet)
  const core = { config, net, log: silent, events, store, peerId: 'nobody' } as unknown as Core
  const chainLink = {
    current: () => chain,
    connect: async () => chain,
    close: async () => undefined,
  }
  const chainView = createChainView({
    net,
    log: silent,
    records: () => [],
    recordOf: () => undefined,
    revision: () => 0,
  })
  await chain.onHead(
    (head) => void chainView.refresh(chain, head).catch(() => undefined),
    running.signal,
  )
  const seen: NodeEvent[] = []
  events.subscribe((event) => seen.push(event), running.signal)
  const service = recordEarnings({ core, chainLink, chainView })
  await service.start(running.signal)
  await vi.waitUntil(() => seen.length >= times, { timeout: 60_000 })
  running.abort()
  await service.stop?.()
  return seen
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-record-earnings-'))
  await startChain()
  const place = { path: join(folder, 'wallets'), name: 'w', hotkey: 'h' }
  await createWallet(place)
  hotkey = (await loadHotkey(place)).address
  await chain.register(1, DEV_ACCOUNT, hotkey)
  await chain.addStake(1, DEV_ACCOUNT, hotkey, TAO)
  await untilEpoch((await chain.epoch(1)).index + 2)
})
afterAll(async () => {
  await stopChain()
  life.abort()
  await rm(folder, { recursive: true })
})

test('epochs are written down, also those in which the node was off; what the endpoint lost meanwhile is a gap', async () => {
  const first = await recordUntil(2)
  expect(first.map(({ event }) => event)).toEqual(first.map(() => 'earnings-recorded'))
  expect(first.at(-1)).toMatchObject({ hotkey, state: 'read', emission: expect.any(String) })
  const lastSeen = Number(first.at(-1)!['epoch'])

  await untilEpoch(lastSeen + 2) // off, while the endpoint keeps its state
  const second = await recordUntil(1)
  const caughtUp = Number(second[0]!['epoch'])
  expect(caughtUp).toBeGreaterThanOrEqual(lastSeen + 2)

  await untilEpoch(caughtUp + 2) // off, and the endpoint forgets
  const lost = (await chain.epoch(1)).index
  await stopChain()
  await startChain()
  await untilEpoch(lost + 2)
  const third = await recordUntil(1)
  const end = Number(third[0]!['epoch'])

  const range = { from: 1, to: end }
  const nobody = { dataDir: join(folder, 'elsewhere') }
  expect(await recordedEarnings(nobody, { hotkey, ...range }, life.signal)).toBeUndefined()
  const recorded = await recordedEarnings({ dataDir: folder }, { hotkey, ...range }, life.signal)
  const epochs = recorded!.map(({ epoch }) => epoch)
  expect(epochs).toEqual(epochs.map((_, at) => epochs[0]! + at)) // none is missing
  const stateOf = (epoch: number) => recorded!.find((one) => one.epoch === epoch)!.state
  for (let epoch = lastSeen + 1; epoch <= caughtUp; epoch++) expect(stateOf(epoch)).toBe('read')
  expect(stateOf(caughtUp + 1)).toBe('discarded')
  expect(stateOf(end)).toBe('read')
  for (const [at, one] of recorded!.entries()) {
    const before = recorded![at - 1]
    if (one.epoch <= lastSeen) continue // the stake that the test itself added came in one of these
    if (one.state === 'read' && before?.state === 'read')
      expect(one.stake - before.stake).toBe(one.emission)
  }

  const shares = await recordedShares({ dataDir: folder }, { hotkey, ...range }, life.signal)
  const shared = await chain.delegation(1, hotkey)
  const [row, ...others] = nominatorRows(shared, shares!)
  expect([row!.coldkey, others]).toEqual([DEV_ACCOUNT.address, []])
  // All that was shared out while it was the only one there, each epoch less the take.
  for (const { epoch, earned } of row!.recorded!.epochs) {
    const one = recorded!.find((of) => of.epoch === epoch)!
    if (one.state !== 'read') throw new Error(`epoch ${epoch} was not read`)
    expect(earned).toBe(formatTao(one.emission - (one.emission * 11_796n) / 65_535n))
  }
  const paying = recorded!.filter((one) => one.state === 'read' && one.emission > 0n)
  expect(row!.recorded!.epochs).toHaveLength(paying.length)

  const merged = mergedEarnings(range, recorded!, await chain.earnings(1, hotkey, 1000), 1000)
  const gaps = recorded!.filter(({ state }) => state === 'discarded').length
  const { unknown, read, emission } = totalOf(merged)
  expect(unknown).toBeGreaterThanOrEqual(gaps)
  expect(read).toBe(recorded!.filter(({ state }) => state === 'read').length)
  const sum = recorded!.reduce((all, one) => all + (one.state === 'read' ? one.emission : 0n), 0n)
  expect(emission).toBe(formatTao(sum))
})

test('who has nothing left on a hotkey is listed for what it earned there', () => {
  const TWO = {
    owner: 'a',
    stake: 8n * TAO,
    shared: TAO,
    nominators: [{ coldkey: 'a', stake: 8n * TAO }],
  }
  const delegation = { ...TWO, hotkey: 'h', block: 9, take: 0 }
  const record = [
    { epoch: 1, shares: [['a', TAO] as const, ['b', 2n * TAO] as const] },
    { epoch: 2, shares: [['b', TAO] as const] },
  ]
  const [a, b] = nominatorRows(delegation, record)
  expect(a).toMatchObject({ owner: true, share: '100.00', earned: '1', recorded: { total: '1' } })
  expect(b).toEqual({
    ...{ coldkey: 'b', owner: false, stake: '0', share: '0.00', earned: '0' },
    recorded: {
      total: '3',
      epochs: [
        { epoch: 1, earned: '2' },
        { epoch: 2, earned: '1' },
      ],
    },
  })
})

test('a record keeps to its hotkey, and to the newest epochs', async () => {
  await using store = await openStore(join(folder, 'other-store'))
  const book = openEarningsBook(store)
  const row = (epoch: number) => ({ state: 'unregistered', epoch, block: epoch * 10 }) as const
  expect(await book.last('5A')).toBeUndefined()
  await book.add('5A', [row(9), row(10), row(11)])
  await book.add('5B', [row(70_000)])
  expect([await book.last('5A'), await book.last('5B')]).toEqual([11, 70_000])
  expect(await book.between('5A', 10, 99)).toEqual([row(10), row(11)])
  await book.add('5A', [row(50_009)])
  expect((await book.between('5A', 0, 99_999)).map(({ epoch }) => epoch)).toEqual([10, 11, 50_009])
  expect(await book.between('5B', 0, 99_999)).toEqual([row(70_000)])
})
