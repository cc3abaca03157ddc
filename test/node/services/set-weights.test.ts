import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Chain } from '../../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../../src/chain/dev-account.ts'
import { connectChain } from '../../../src/chain/subtensor.ts'
import { createWallet, loadColdkey, loadHotkey, type Wallet } from '../../../src/chain/wallet.ts'
import { silent } from '../../../src/log.ts'
import { type ChainView, createChainView } from '../../../src/node/chain-view.ts'
import { configWith } from '../../../src/node/config.ts'
import type { Core } from '../../../src/node/core.ts'
import { createEvents, type NodeEvent } from '../../../src/node/events.ts'
import type { Scores } from '../../../src/node/scores.ts'
import type { MinerScore, ScoreReport } from '../../../src/node/scoring/score.ts'
import { setWeights } from '../../../src/node/services/set-weights.ts'
import { openStore, type Store } from '../../../src/node/store.ts'
import { createNetwork } from '../../../src/protocols/network.ts'

const TAO = 1_000_000_000n
const TEMPO = 20

let folder = ''
let life: AbortController
let dev: DevChain
let chain: Chain
let store: Store
let wallet: Wallet
let view: ChainView
let report: ScoreReport

async function bringUp(commitReveal: boolean): Promise<void> {
  const options = { dataDir: join(folder, 'chain'), blockMs: 100, tempo: TEMPO, log: silent }
  // No beacon that weights can be timelocked to: hidden ones are hashed, and this program opens them.
  const beaconPeriodMs = 1500
  dev = await startDevChain({ ...options, commitReveal, beaconPeriodMs, signal: life.signal })
  chain = await connectChain(dev.url, { log: silent, signal: life.signal })
  const net = createNetwork('local', 1, chain.genesis)
  view = createChainView({
    net,
    log: silent,
    records: () => [],
    recordOf: () => undefined,
    revision: () => 0,
  })
  const place = { path: join(folder, 'wallets'), name: 'v', hotkey: 'h' }
  await createWallet(place)
  wallet = { coldkey: await loadColdkey(place), hotkey: await loadHotkey(place) }
}

beforeEach(async () => {
  life = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'cn-set-weights-'))
  store = await openStore(join(folder, 'store'))
  report = reportOf(new Map())
})
afterEach(async () => {
  life.abort()
  await chain.close()
  await dev.close()
  await store[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A report with these weights; whoever stands in it has an outcome. */
function reportOf(weights: ReadonlyMap<string, number>): ScoreReport {
  const gpus = [{ ok: 1, failed: 0 }]
  const miners = [...weights].map(
    ([hotkey, weight]) => [hotkey, { hotkey, weight, gpus } as unknown as MinerScore] as const,
  )
  return {
    constantsHash: '',
    slots: 1,
    from: 1,
    to: 1,
    ignored: [],
    burn: 0,
    miners: new Map(miners),
  }
}

/** Runs the service over a view that follows the chain; gives its events. */
async function run(): Promise<NodeEvent[]> {
  const events = createEvents(Date.now)
  const net = createNetwork('local', 1, chain.genesis)
  const config = configWith({
    walletPath: join(folder, 'wallets'),
    walletName: 'v',
    walletHotkey: 'h',
  })
  const core = { config, net, log: silent, events, store } as unknown as Core
  const chainLink = {
    current: () => chain,
    connect: async () => chain,
    close: async () => undefined,
  }
  const scores = { current: () => report } as unknown as Scores
  await chain.onHead((head) => void view.refresh(chain, head).catch(() => undefined), life.signal)
  const seen: NodeEvent[] = []
  events.subscribe((event) => seen.push(event), life.signal)
  await setWeights({ core, chainLink, chainView: view, scores }).start(life.signal)
  return seen
}

async function until<T>(find: () => T | undefined): Promise<T> {
  for (;;) {
    const found = find()
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const waiting = (seen: readonly NodeEvent[], reason: string) =>
  until(() => seen.find((one) => one.event === 'weights-waiting' && one['reason'] === reason))

const uid0 = (): string => Buffer.from(wallet.hotkey.publicKey).toString('hex')

test('it says why it waits, then sets weights once per epoch; a missed epoch is told', async () => {
  await bringUp(false)
  const seen = await run()
  await waiting(seen, 'UNREGISTERED')
  await chain.register(1, DEV_ACCOUNT, wallet.hotkey.address)
  await waiting(seen, 'NO_PERMIT')
  await chain.addStake(1, DEV_ACCOUNT, wallet.hotkey.address, TAO)
  await waiting(seen, 'NO_EVIDENCE')
  await until(() =>
    seen.find((one) => one.event === 'weights-missed' && one['reason'] === 'NO_EVIDENCE'),
  )
  report = reportOf(new Map([[uid0(), 2.5]]))
  const set = await until(() => seen.find((one) => one.event === 'weights-set'))
  expect(set).toMatchObject({ uid: 0, how: 'direct', weights: '0=65535' })
  expect(await chain.weights(1)).toEqual(new Map([[0, [[0, 65_535]]]]))
  const again = await until(() => seen.filter((one) => one.event === 'weights-set')[1])
  expect(again['epoch']).toBeGreaterThan(set['epoch'] as number)
  expect(
    seen.filter((one) => one.event === 'weights-set' && one['epoch'] === set['epoch']),
  ).toHaveLength(1)
})

test('where the subnet hides weights, they are committed and revealed in a later epoch', async () => {
  await bringUp(true)
  await chain.register(1, DEV_ACCOUNT, wallet.hotkey.address)
  await chain.addStake(1, DEV_ACCOUNT, wallet.hotkey.address, TAO)
  report = reportOf(new Map([[uid0(), 1]]))
  const seen = await run()
  const set = await until(() => seen.find((one) => one.event === 'weights-set'))
  expect(set['how']).toBe('hash')
  await until(() => seen.find((one) => one.event === 'weights-revealed'))
  expect(await chain.weights(1)).toEqual(new Map([[0, [[0, 65_535]]]]))
  expect(seen.some((one) => one.event === 'weights-reveal-lost')).toBe(false)
})
