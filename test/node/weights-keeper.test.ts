// Many epochs of a validator's weights over a chain that fails in every way a line to it can; beside it, the crash test
// runs the same work on the embedded chain.
import { expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import type { WeightRow, WeightsOutcome, WeightsWay } from '../../src/chain/chain-weights.ts'
import { windowOf } from '../../src/chain/commit-window.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import type { PendingWeights } from '../../src/chain/pending-weights.ts'
import { unseen } from '../../src/chain/subtensor/transaction-errors.ts'
import type { SignedTx, TxResult } from '../../src/chain/transaction.ts'
import { NodeError } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import type { ChainSnapshot } from '../../src/node/chain-view.ts'
import type { SetRow, WeightsBook } from '../../src/node/weights-book.ts'
import { createWeightsKeeper } from '../../src/node/weights-keeper.ts'
import { revealHash } from '../../src/node/weights-reveals.ts'

const hotkey = keyFromSeed('sr25519', new Uint8Array(32).fill(1))
const TEMPO = 20

/** Numbers in [0, 1) that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

interface Commit {
  readonly way: WeightsWay
  readonly hash: string
  readonly epoch: number
  readonly row: WeightRow
}

/** One validator's part of a chain with stateful epochs, and how it fails. */
class FaultyChain {
  block = 1
  epochIndex = 0
  lastEpoch = 0
  nonce = 0
  commits: Commit[] = []
  row: WeightRow = []
  lastUpdate = 0
  /** How often weights of an epoch got into a block, and how often each commit was revealed. */
  readonly made = new Map<number, number>()
  readonly revealed = new Map<string, number>()
  /** Part of calls that fail; of transactions, part whose answer is lost, and part that never answer: a crash. */
  faults = 0
  faultsSeen = 0
  /** The endpoint keeps no block long enough to look into it. */
  drops = false
  crash: () => void = () => undefined
  readonly #way: WeightsWay
  readonly #random: () => number
  /** What signed transactions do, by hash; those that stand in a block; and those that wait for one. */
  readonly #effects = new Map<string, { nonce: number; effect: () => void }>()
  readonly #included = new Map<string, number>()
  #pool: string[] = []

  constructor(random: () => number, way: WeightsWay = 'hash') {
    this.#random = random
    this.#way = way
  }

  mine(): void {
    this.block++
    if (this.block - this.lastEpoch >= TEMPO) {
      this.lastEpoch = this.block
      this.epochIndex++
      this.commits = this.commits.filter(({ epoch }) => epoch > this.epochIndex - 5)
    }
    this.#openTimelocked()
    // A slow author leaves it for later.
    if (this.#random() >= this.faults) for (const hash of this.#pool.splice(0)) this.#include(hash)
  }

  /** As the chain does by itself, once the pulse is there. */
  #openTimelocked(): void {
    if (this.block < this.lastEpoch + 3) return
    const due = ({ way, epoch }: Commit) => way === 'timelock' && epoch < this.epochIndex
    for (const commit of this.commits.filter(due)) this.#reveal(commit)
  }

  #reveal(commit: Commit): void {
    this.commits = this.commits.filter((one) => one !== commit)
    this.revealed.set(commit.hash, (this.revealed.get(commit.hash) ?? 0) + 1)
    this.row = commit.row
  }

  epoch() {
    const next = Math.max(this.lastEpoch + TEMPO, this.block)
    const { epochIndex: index, lastEpoch: last } = this
    return { index, tempo: TEMPO, last, next, blocksLeft: next - this.block }
  }

  #standing(way: WeightsWay) {
    const now = { epoch: this.epoch(), block: this.block, revealPeriod: 1, statefulEpochs: true }
    return this.commits
      .filter((one) => one.way === way)
      .map(({ hash, epoch }) => ({ ...windowOf([hash, epoch, 0, 0], now), epoch }))
  }

  async #fault(): Promise<void> {
    if (this.#random() >= this.faults) return
    this.faultsSeen++
    throw new NodeError('CHAIN_UNREACHABLE', 'the line is down')
  }

  async #transaction(effect: () => void) {
    await this.#fault()
    if (this.#random() < this.faults / 2) return this.#die()
    this.mine()
    effect()
    if (this.#random() < this.faults / 2) return this.#die()
    if (this.#random() < this.faults) this.#noAnswer()
    return { block: { number: this.block, hash: '' }, events: [] }
  }

  #noAnswer(): never {
    this.faultsSeen++
    throw new NodeError('CHAIN_TIMEOUT', 'no answer came')
  }

  /** The process dies here. */
  #die(): Promise<never> {
    this.faultsSeen++
    this.crash()
    return new Promise(() => undefined)
  }

  #sign(effect: () => void): SignedTx {
    const hash = `0x${Math.floor(this.#random() * 2 ** 48).toString(16)}`
    this.#effects.set(hash, { nonce: this.nonce, effect })
    const { nonce, block: since } = this
    const signer = hotkey.address
    return { bytes: '0x', hash, signer, nonce, since, until: since + 63, specVersion: 424 }
  }

  #include(hash: string): void {
    const { nonce, effect } = this.#effects.get(hash)!
    if (nonce !== this.nonce) return
    this.nonce++
    this.#included.set(hash, this.block)
    effect()
  }

  /** Hands it over as often as asked, and waits for its block. */
  async #send(hash: string): Promise<TxResult | undefined> {
    await this.#fault()
    if (this.#random() < this.faults / 2) return this.#die()
    if (!this.#included.has(hash) && !this.#pool.includes(hash)) this.#pool.push(hash)
    if (this.#random() < this.faults / 2) return this.#die()
    for (let blocks = 0; blocks < 3 && this.#pool.length > 0; blocks++) this.mine()
    if (this.#pool.length > 0 || this.#random() < this.faults) this.#noAnswer()
    if (this.#random() < this.faults / 2) return this.#die()
    const number = this.#included.get(hash)
    return number === undefined ? undefined : { block: { number, hash: '' }, events: [] }
  }

  #weigh(pending: PendingWeights): void {
    const { uids, values, way } = pending
    const row = uids.map((uid, i) => [uid, values[i]!] as const)
    this.lastUpdate = this.block
    this.made.set(pending.committedAt, (this.made.get(pending.committedAt) ?? 0) + 1)
    if (pending.way === 'direct') this.row = row
    else {
      const hash = pending.way === 'hash' ? revealHash(hotkey, pending) : pending.hash
      this.commits.push({ way, hash, epoch: this.epochIndex, row })
    }
  }

  chain(): Chain {
    const chain: Partial<Chain> = {
      head: async () => ({ number: this.block, hash: '' }),
      epoch: async () => {
        await this.#fault()
        return this.epoch()
      },
      commitWindows: async () => {
        await this.#fault()
        return this.#standing('hash')
      },
      timelockedCommits: async () => {
        await this.#fault()
        const one = { hotkey: hotkey.address, round: 1, block: 1 }
        return this.#standing('timelock').map((window) => ({ ...one, ...window }))
      },
      weightRules: async () =>
        ({ uid: 0, lastUpdate: this.lastUpdate }) as Awaited<ReturnType<Chain['weightRules']>>,
      weights: async () => new Map([[0, this.row]]),
      submitWeights: async (netuid, _, weights, options) => {
        await this.#fault()
        const salt = Array.from({ length: 8 }, () => Math.floor(this.#random() * 65_536))
        const [uids, values] = [[...weights.keys()], [...weights.values()]]
        const row = { netuid, uids, values, versionKey: 0, committedAt: this.epochIndex }
        const pending = {
          direct: { ...row, way: 'direct' },
          hash: { ...row, way: 'hash', salt },
          timelock: { ...row, way: 'timelock', hash: `0x${salt.join('')}`, round: 1 },
        }[this.#way] as PendingWeights
        const signed = this.#sign(() => this.#weigh(pending))
        await options?.keep?.({ ...pending, signed })
        const { block } = (await this.#send(signed.hash))!
        return { kind: this.#way, block, weights: [...weights] } as WeightsOutcome
      },
      resume: async ({ hash, nonce }) => {
        await this.#fault()
        if (this.drops && this.nonce > nonce) throw unseen(hash)
        if (!this.#included.has(hash) && this.nonce > nonce) return undefined
        return this.#send(hash)
      },
      revealWeights: (_, reveal) =>
        this.#transaction(() => {
          const hash = revealHash(hotkey, reveal)
          const state = this.#standing('hash').find((one) => one.hash === hash)?.state
          const error = state === undefined ? 'NoWeightsCommitFound' : `it is ${state}`
          if (state !== 'open') throw new NodeError('CHAIN_DISPATCH', 'refused', { error })
          this.nonce++
          this.#reveal(this.commits.find((one) => one.hash === hash)!)
        }),
    }
    return chain as Chain
  }
}

/** What stands on disk: it outlives every keeper. */
function memoryBook(): WeightsBook {
  let last: SetRow | undefined
  let kept: PendingWeights[] = []
  return {
    last: async () => last,
    async done(set) {
      last = set
    },
    pending: async () => [...kept],
    async keep(pending) {
      kept = [...kept.filter(({ committedAt }) => committedAt !== pending.committedAt), pending]
    },
    async drop({ committedAt }) {
      kept = kept.filter((one) => one.committedAt !== committedAt)
    },
  }
}

interface Life {
  readonly fake: FaultyChain
  readonly events: string[]
  turn(): Promise<void>
}

/** A validator whose process is started anew whenever it died. */
function validator(fake: FaultyChain): Life {
  const book = memoryBook()
  const events: string[] = []
  const chain = fake.chain()
  const start = () =>
    createWeightsKeeper({
      netuid: 1,
      hotkey,
      book,
      log: silent,
      events: { emit: (event) => void events.push(event) },
      chain: () => chain,
      snapshot: () =>
        ({
          metagraph: {
            block: { number: fake.block },
            activityCutoff: 5000,
            neurons: [{ uid: 0, hotkey: hotkey.address, validatorPermit: true, lastUpdate: 1 }],
          },
          epoch: fake.epoch(),
        }) as unknown as ChainSnapshot,
      wanted: () => ({
        kind: 'weights',
        byUid: new Map([
          [0, 1 + fake.epochIndex],
          [1, 65_535],
        ]),
      }),
      boundUids: () => [],
    })
  let keeper = start()
  return {
    fake,
    events,
    async turn() {
      const died = new Promise<'died'>((resolve) => {
        fake.crash = () => resolve('died')
      })
      if ((await Promise.race([keeper.turn(), died])) === 'died') keeper = start()
    },
  }
}

const WAYS = ['direct', 'hash', 'timelock'] as const

test.each(WAYS)('a sound chain gets weights once in each epoch, %s', async (way) => {
  const { fake, events, turn } = validator(new FaultyChain(randomOf(1), way))
  while (fake.epochIndex < 20) {
    await turn()
    fake.mine()
  }
  for (let epoch = 0; epoch < 20; epoch++) expect(fake.made.get(epoch), `${epoch}`).toBe(1)
  expect(fake.revealed.size).toBe({ direct: 0, hash: 19, timelock: 19 }[way])
  if (way !== 'direct') expect(new Set(fake.revealed.values())).toEqual(new Set([1]))
  expect(events).not.toContain('weights-missed')
  expect(events).not.toContain('weights-reveal-lost')
})

const cases = WAYS.flatMap((way) =>
  [0.05, 0.2, 0.5].flatMap((faults) => [
    [way, faults, 'kept', false] as const,
    [way, faults, 'dropped', true] as const,
  ]),
)

test.each(cases)(
  '%s: no epoch that could be made is missed while %d of calls fail, blocks are slow and %s, and processes die',
  async (way, faults, _, drops) => {
    const { fake, turn } = validator(new FaultyChain(randomOf(faults * 100), way))
    const random = randomOf(7)
    fake.faults = faults
    fake.drops = drops
    /** Epochs in which one turn, early enough, met no fault. */
    const makeable = new Set<number>()
    while (fake.epochIndex < 900) {
      const { index, blocksLeft } = fake.epoch()
      const before = fake.faultsSeen
      await turn()
      if (fake.faultsSeen === before && blocksLeft >= 8) makeable.add(index)
      for (let blocks = Math.ceil(random() * 3); blocks > 0; blocks--) fake.mine()
    }
    expect(makeable.size).toBeGreaterThan(40)
    for (const epoch of makeable) expect(fake.made.has(epoch), `epoch ${epoch}`).toBe(true)
    // Nothing that was sent is sent once more, whatever its answer was.
    for (const [epoch, times] of fake.made) expect(times, `epoch ${epoch}`).toBe(1)
    for (const times of fake.revealed.values()) expect(times).toBe(1)
    if (way === 'direct') return
    // Whatever was made is revealed where the epoch after it could be made too.
    const due = [...fake.made.keys()].filter((epoch) => makeable.has(epoch + 1))
    expect(fake.revealed.size).toBeGreaterThanOrEqual(due.length)
  },
)
