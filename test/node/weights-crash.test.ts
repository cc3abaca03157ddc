// A validator is killed at each step of its weights; its next life reveals what was committed, once and on time.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { type Connection, openApi } from '../../src/chain/subtensor/connection.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import { openStore } from '../../src/node/store.ts'
import { openWeightsBook } from '../../src/node/weights-book.ts'
import { revealHash } from '../../src/node/weights-reveals.ts'
import { keepWeights, type WeightsCrash, type WeightsVictim } from '../support/weights-validator.ts'

const TEMPO = 40
const points: readonly WeightsCrash[] = [
  'before keep',
  'kept',
  'sent',
  'in a block',
  'before reveal',
  'revealed',
]
const seedOf = (at: WeightsCrash): number => 100 + points.indexOf(at)
const keyOf = (at: WeightsCrash) => keyFromSeed('sr25519', new Uint8Array(32).fill(seedOf(at)))

let folder = ''
let life: AbortController
let dev: DevChain
let chain: Chain
let turn = Promise.resolve()
let stopReading = (): void => undefined
let api: Connection['api']
/** Hashes that were committed and revealed, by account, as the chain's own events tell. */
const told = { WeightsCommitted: [] as string[], WeightsRevealed: [] as string[] }

beforeAll(async () => {
  life = new AbortController()
  const { signal } = life
  folder = await mkdtemp(join(tmpdir(), 'cn-weights-crash-'))
  const options = { dataDir: join(folder, 'chain'), blockMs: 100, tempo: TEMPO, log: silent }
  dev = await startDevChain({ ...options, commitReveal: true, signal })
  chain = await connectChain(dev.url, { log: silent, signal })
  api = (await openApi([dev.url], { log: silent, signal })).api
  let read = 0
  stopReading = await api.rpc.chain.subscribeFinalizedHeads((header) => {
    turn = turn.then(async () => {
      while (read < header.number.toNumber() && api.isConnected) await readBlock(++read)
    })
  })
  const addresses = points.map((at) => keyOf(at).address)
  await Promise.all(addresses.map((address) => chain.register(1, DEV_ACCOUNT, address)))
  await Promise.all(
    addresses.map((address) => chain.addStake(1, DEV_ACCOUNT, address, 1_000_000_000n)),
  )
}, 60_000)

afterAll(async () => {
  stopReading()
  await turn
  await api.disconnect()
  await chain.close()
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

/** Notes the commits and reveals of one block. */
async function readBlock(number: number): Promise<void> {
  const at = await api.at(await api.rpc.chain.getBlockHash(number))
  const events = (await at.query['system']!['events']!()) as unknown as Iterable<{
    event: { method: string; data: { toString(): string }[] }
  }>
  for (const { event } of events) {
    if (event.method !== 'WeightsCommitted' && event.method !== 'WeightsRevealed') continue
    told[event.method].push(`${event.data[0]} ${event.data[2]}`)
  }
}

/** Runs a validator until it has killed itself. */
async function die(at: WeightsCrash, store: string): Promise<void> {
  const victim: WeightsVictim = { url: dev.url, seed: seedOf(at), folder: store, at }
  const script = join(import.meta.dirname, '../support/weights-victim.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(victim)], { stdio: 'inherit' })
  const [, signal] = await once(child, 'exit')
  expect(signal, at).toBe('SIGKILL')
}

/** Dies at one step, lives again, and looks at what the chain has of it. */
async function survives(at: WeightsCrash): Promise<void> {
  const hotkey = keyOf(at)
  const path = join(folder, at.replaceAll(' ', '-'))
  await die(at, path)
  await using store = await openStore(path)
  const book = openWeightsBook(store)
  const kept = await book.reveals()
  expect(kept, at).toHaveLength(at === 'before keep' ? 0 : 1)
  const second = new AbortController()
  const events: string[] = []
  const onEvent = (event: string): void => {
    events.push(event)
    if (event === 'weights-revealed') second.abort()
  }
  await keepWeights({ chain, hotkey, book, signal: second.signal, onEvent })
  expect(events, at).not.toContain('weights-reveal-lost')
  const row = (await chain.weights(1)).get((await chain.weightRules(1, hotkey.address)).uid!)
  expect(row, at).toEqual([
    [0, 65_535],
    [1, 65_535],
  ])
  while (!told.WeightsRevealed.some((one) => one.startsWith(hotkey.address))) await sleep(50)
  const mine = told.WeightsRevealed.filter((one) => one.startsWith(hotkey.address))
  expect(mine, at).toHaveLength(1)
  if (kept[0] !== undefined)
    expect(mine, at).toEqual([`${hotkey.address} ${revealHash(hotkey, kept[0])}`])
  // Committed once too, but for a death in between: then the same hash may stand there twice.
  const commits = told.WeightsCommitted.filter((one) => one === mine[0])
  expect(commits.length, at).toBeLessThanOrEqual(at === 'sent' ? 2 : 1)
}

// All at once: each waits for the same epochs.
test('a validator killed at any step reveals what it committed, once and on time', async () => {
  await Promise.all(points.map(survives))
}, 120_000)
