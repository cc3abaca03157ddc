// A validator is killed at each step of its weights; its next life sends what was kept once, and all is revealed once and on
// time. Blocks decide what is on time, and not seconds: the second half of an epoch waits for whoever has something to do
// in it, for a process of a busy machine may take longer to start than an epoch of this chain takes; so it does for who reads
// what happened, for the chain drops old states.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import type { WeightsWay } from '../../src/chain/chain-weights.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingWeights } from '../../src/chain/pending-weights.ts'
import { type Connection, openApi } from '../../src/chain/subtensor/connection.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import { openStore } from '../../src/node/store.ts'
import { openWeightsBook } from '../../src/node/weights-book.ts'
import { revealHash } from '../../src/node/weights-reveals.ts'
import { keepWeights, type WeightsCrash, type WeightsVictim } from '../support/weights-validator.ts'

const TEMPO = 40
const BLOCK_MS = 70
/** Between two blocks by the chain's own clock, which its beacon goes by: it stands while the chain waits. */
const CLOCK_MS = 250
/** How far the chain may be ahead of who reads its events; it drops what is much older. */
const AHEAD = TEMPO / 4

/** What the chain's own events tell of one account: where weights or commits stand, and reveals. */
interface Told {
  readonly sent: { readonly epoch: number; readonly hash: string }[]
  readonly reveals: { readonly epoch: number; readonly hash: string }[]
}

/** A chain whose subnet takes weights by one way, and which waits for the validators that are at work. */
class Ground implements AsyncDisposable {
  readonly #life = new AbortController()
  readonly #told = new Map<string, Told>()
  readonly #working = new Set<string>()
  #turn = Promise.resolve()
  #readUpTo = 0
  #api!: Connection['api']
  #stopReading = (): void => undefined
  #nowMs = 1_790_000_000_000
  readonly way: WeightsWay
  folder = ''
  dev!: DevChain
  chain!: Chain

  constructor(way: WeightsWay) {
    this.way = way
  }

  async open(hotkeys: readonly Hotkey[]): Promise<void> {
    const { signal } = this.#life
    this.folder = await mkdtemp(join(tmpdir(), 'cn-weights-crash-'))
    this.dev = await startDevChain({
      dataDir: join(this.folder, 'chain'),
      blockMs: BLOCK_MS,
      tempo: TEMPO,
      commitReveal: this.way !== 'direct',
      beaconPeriodMs: this.way === 'hash' ? 1500 : 1000, // none that weights can be timelocked to
      nowMs: () => this.#nowMs,
      mayAuthor: (block, waiting) => {
        if (waiting === 0 && (this.#holds(block) || block > this.#readUpTo + AHEAD)) return false
        this.#nowMs += CLOCK_MS
        return true
      },
      log: silent,
      signal,
    })
    this.chain = await connectChain(this.dev.url, { log: silent, signal })
    this.#api = (await openApi([this.dev.url], { log: silent, signal })).api
    this.#stopReading = await this.#api.rpc.chain.subscribeFinalizedHeads((header) => {
      this.#turn = this.#turn.then(async () => {
        while (this.#readUpTo < header.number.toNumber() && this.#api.isConnected) {
          await this.#read(this.#readUpTo + 1)
          this.#readUpTo++
        }
      })
    })
    const { chain } = this
    await Promise.all(hotkeys.map(({ address }) => chain.register(1, DEV_ACCOUNT, address)))
    await Promise.all(
      hotkeys.map(({ address }) => chain.addStake(1, DEV_ACCOUNT, address, 1_000_000_000n)),
    )
    while ((await chain.metagraph(1)).neurons.some((one) => !one.validatorPermit)) await sleep(50)
    for (const { address } of hotkeys) this.#working.add(address)
  }

  told(address: string): Told {
    const found = this.#told.get(address) ?? { sent: [], reveals: [] }
    this.#told.set(address, found)
    return found
  }

  /** Nothing more is to be waited for. */
  done({ address }: Hotkey): void {
    this.#working.delete(address)
  }

  /** The second half of an epoch waits for whoever has something to do in it. */
  #holds = (block: number): boolean =>
    block % TEMPO >= TEMPO / 2 && [...this.#working].some((one) => this.#owes(one, block))

  /** Whether an account has not sent in this epoch yet, or what it sent in the last is not revealed. */
  #owes(address: string, block: number): boolean {
    const epoch = Math.floor(block / TEMPO)
    const { sent, reveals } = this.told(address)
    if (!sent.some((one) => one.epoch === epoch)) return true
    // What is timelocked the chain opens by itself, in the first half.
    if (this.way !== 'hash' || !sent.some((one) => one.epoch === epoch - 1)) return false
    return !reveals.some((one) => one.epoch === epoch)
  }

  async #read(number: number): Promise<void> {
    const at = await this.#api.at(await this.#api.rpc.chain.getBlockHash(number))
    const events = (await at.query['system']!['events']!()) as unknown as Iterable<{
      event: { method: string; data: { toString(): string }[] }
    }>
    const hotkeys = (await this.chain.metagraph(1)).neurons.map(({ hotkey }) => hotkey)
    const epoch = Math.floor(number / TEMPO)
    for (const { event } of events) {
      const [first, second, third] = event.data.map(String)
      const { method } = event
      if (method === 'WeightsCommitted' || method === 'TimelockedWeightsCommitted')
        this.told(first!).sent.push({ epoch, hash: third! })
      if (method === 'WeightsRevealed') this.told(first!).reveals.push({ epoch, hash: third! })
      if (method === 'TimelockedWeightsRevealed')
        this.told(second!).reveals.push({ epoch, hash: '' })
      if (method === 'WeightsSet' && this.way === 'direct')
        this.told(hotkeys[Number(second)]!).sent.push({ epoch, hash: '' })
    }
  }

  /** All blocks up to the newest are read. */
  async caughtUp(): Promise<void> {
    await sleep(2 * BLOCK_MS)
    await this.#turn
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopReading()
    await this.#turn
    await this.#api.disconnect()
    await this.chain.close()
    this.#life.abort()
    await this.dev.close()
    await rm(this.folder, { recursive: true })
  }
}

/** Runs a validator until it has killed itself. */
async function die(victim: WeightsVictim): Promise<void> {
  const script = join(import.meta.dirname, '../support/weights-victim.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(victim)], { stdio: 'inherit' })
  const [, signal] = await once(child, 'exit')
  expect(signal, victim.at).toBe('SIGKILL')
}

/** Dies at one step, lives again, and looks at what the chain has of it. */
async function survives(ground: Ground, at: WeightsCrash, seed: number): Promise<void> {
  const { chain, way } = ground
  const hotkey = keyOf(seed)
  const path = join(ground.folder, at.replaceAll(' ', '-'))
  await die({ url: ground.dev.url, seed, folder: path, at })
  await using store = await openStore(path)
  const book = openWeightsBook(store)
  const kept = await book.pending()
  expect(kept, at).toHaveLength(at === 'before keep' ? 0 : 1)
  expect(kept.map((one) => one.way)).toEqual(kept.map(() => way))
  const second = new AbortController()
  const events: string[] = []
  const onEvent = (event: string): void => {
    events.push(event)
    if (event === (way === 'direct' ? 'weights-set' : 'weights-revealed')) second.abort()
  }
  await keepWeights({ chain, hotkey, book, signal: second.signal, onEvent })
  ground.done(hotkey)
  expect(events, at).not.toContain('weights-reveal-lost')
  const row = (await chain.weights(1)).get((await chain.weightRules(1, hotkey.address)).uid!)
  expect(row, at).toEqual([
    [0, 65_535],
    [1, 65_535],
  ])
  await ground.caughtUp()
  const { sent, reveals } = ground.told(hotkey.address)
  if (way === 'direct') return expect(sent, at).toHaveLength(1)
  expect(reveals, at).toHaveLength(1)
  // Committed once too: what was kept was looked for by its hash and nonce before it was sent again.
  const hashes = sent.map(({ hash }) => hash)
  const times = (one: PendingWeights) =>
    hashes.filter((hash) => hash === hashOf(hotkey, one)).length
  for (const one of kept) expect(times(one), at).toBe(1)
  expect(new Set(sent.map(({ epoch }) => epoch)).size, at).toBe(sent.length)
  if (way === 'hash') expect(reveals[0]!.hash, at).toBe(hashes[0])
}

const keyOf = (seed: number): Hotkey => keyFromSeed('sr25519', new Uint8Array(32).fill(seed))

function hashOf(hotkey: Hotkey, pending: PendingWeights): string {
  if (pending.way === 'direct') return ''
  return pending.way === 'hash' ? revealHash(hotkey, pending) : pending.hash
}

const scenes: readonly (readonly [WeightsWay, readonly WeightsCrash[]])[] = [
  ['hash', ['before keep', 'kept', 'sent', 'in a block', 'before reveal', 'revealed']],
  ['timelock', ['kept', 'sent', 'in a block']],
  ['direct', ['kept', 'sent', 'in a block']],
]

// All steps of a way at once: each waits for the same epochs.
test.each(scenes)(
  '%s: a validator killed at any step has its weights set once and on time',
  async (way, points) => {
    await using ground = new Ground(way)
    const seeds = points.map((_, i) => 100 + i)
    await ground.open(seeds.map(keyOf))
    await Promise.all(points.map((at, i) => survives(ground, at, seeds[i]!)))
  },
  400_000,
)
