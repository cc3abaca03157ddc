// Many epochs of a validator's weights over a chain that fails in every way a line to it can; beside it, the crash test
// runs the same work on the embedded chain.
import { expect, test } from 'vitest'
import type { Chain, PendingReveal, WeightRow } from '../../src/chain/chain.ts'
import { windowOf } from '../../src/chain/commit-window.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
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
  readonly hash: string
  readonly epoch: number
}

/** One validator's part of a chain with stateful epochs and hash commits, and how it fails. */
class FaultyChain {
  block = 1
  epochIndex = 0
  lastEpoch = 0
  commits: Commit[] = []
  row: WeightRow = []
  readonly made = new Map<number, number>()
  readonly revealed = new Map<string, number>()
  /** Part of calls that fail; of transactions, part whose answer is lost, and part that never answer: a crash. */
  faults = 0
  faultsSeen = 0
  crash: () => void = () => undefined
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  mine(): void {
    this.block++
    if (this.block - this.lastEpoch < TEMPO) return
    this.lastEpoch = this.block
    this.epochIndex++
  }

  epoch() {
    const next = Math.max(this.lastEpoch + TEMPO, this.block)
    const { epochIndex: index, lastEpoch: last } = this
    return { index, tempo: TEMPO, last, next, blocksLeft: next - this.block }
  }

  #windows() {
    const now = { epoch: this.epoch(), block: this.block, revealPeriod: 1, statefulEpochs: true }
    return this.commits.map(({ hash, epoch }) => windowOf([hash, epoch, 0, 0], now))
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
    if (this.#random() < this.faults) {
      this.faultsSeen++
      throw new NodeError('CHAIN_TIMEOUT', 'no answer came')
    }
    return { block: { number: this.block, hash: '' }, events: [] }
  }

  /** The process dies here. */
  #die(): Promise<never> {
    this.faultsSeen++
    this.crash()
    return new Promise(() => undefined)
  }

  #commit(reveal: PendingReveal) {
    return this.#transaction(() => {
      this.commits.push({ hash: revealHash(hotkey, reveal), epoch: this.epochIndex })
      this.made.set(this.epochIndex, (this.made.get(this.epochIndex) ?? 0) + 1)
    })
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
        return this.#windows()
      },
      weightRules: async () => ({ uid: 0 }) as Awaited<ReturnType<Chain['weightRules']>>,
      weights: async () => new Map([[0, this.row]]),
      submitWeights: async (netuid, _, weights, options) => {
        await this.#fault()
        const salt = Array.from({ length: 8 }, () => Math.floor(this.#random() * 65_536))
        const [uids, values] = [[...weights.keys()], [...weights.values()]]
        const reveal = { netuid, uids, values, salt, versionKey: 0, committedAt: this.epochIndex }
        await options?.keep?.(reveal)
        const { block } = await this.#commit(reveal)
        return { kind: 'hash', block, reveal, weights: [...weights] }
      },
      commitWeights: (_, reveal) => this.#commit(reveal),
      revealWeights: (_, reveal) =>
        this.#transaction(() => {
          const hash = revealHash(hotkey, reveal)
          const state = this.#windows().find((one) => one.hash === hash)?.state
          const error = state === undefined ? 'NoWeightsCommitFound' : `it is ${state}`
          if (state !== 'open') throw new NodeError('CHAIN_DISPATCH', 'refused', { error })
          this.commits = this.commits.filter((one) => one.hash !== hash)
          this.revealed.set(hash, (this.revealed.get(hash) ?? 0) + 1)
          this.row = reveal.uids.map((uid, i) => [uid, reveal.values[i]!] as const)
        }),
    }
    return chain as Chain
  }
}

/** What stands on disk: it outlives every keeper. */
function memoryBook(): WeightsBook {
  let last: SetRow | undefined
  let kept: PendingReveal[] = []
  return {
    last: async () => last,
    async done(set) {
      last = set
    },
    reveals: async () => [...kept],
    keepReveal: async (pending) => void kept.push(pending),
    async dropReveal({ salt }) {
      kept = kept.filter((one) => one.salt !== salt)
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

test('a sound chain gets one commit in each epoch, revealed in the next', async () => {
  const { fake, events, turn } = validator(new FaultyChain(randomOf(1)))
  while (fake.epochIndex < 20) {
    await turn()
    fake.mine()
  }
  for (let epoch = 0; epoch < 20; epoch++) expect(fake.made.get(epoch), `${epoch}`).toBe(1)
  expect(fake.revealed.size).toBe(19)
  expect(new Set(fake.revealed.values())).toEqual(new Set([1]))
  expect(events).not.toContain('weights-missed')
  expect(events).not.toContain('weights-reveal-lost')
})

test.each([0.05, 0.2, 0.5])(
  'no epoch that could be made is missed while %d of calls fail and processes die',
  async (faults) => {
    const { fake, turn } = validator(new FaultyChain(randomOf(faults * 100)))
    const random = randomOf(7)
    fake.faults = faults
    /** Epochs in which one turn, early enough, met no fault. */
    const makeable = new Set<number>()
    while (fake.epochIndex < 300) {
      const { index, blocksLeft } = fake.epoch()
      const before = fake.faultsSeen
      await turn()
      if (fake.faultsSeen === before && blocksLeft >= 3) makeable.add(index)
      for (let blocks = Math.ceil(random() * 3); blocks > 0; blocks--) fake.mine()
    }
    expect(makeable.size).toBeGreaterThan(40)
    for (const epoch of makeable) expect(fake.made.has(epoch), `epoch ${epoch}`).toBe(true)
    for (const times of fake.revealed.values()) expect(times).toBe(1)
    // Whatever was made is revealed where the epoch after it could be made too.
    const due = [...fake.made.keys()].filter((epoch) => makeable.has(epoch + 1))
    expect(fake.revealed.size).toBeGreaterThanOrEqual(due.length)
  },
)
