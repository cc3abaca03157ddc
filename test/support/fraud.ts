import { sealFinal, sealTick } from '../../src/protocols/challenge.ts'
import type { FinalClaim, TickClaim } from '../../src/protocols/claims.ts'
import type { Fraud } from '../../src/protocols/fraud.ts'
import { tellTicks } from '../../src/told-ticks.ts'
import { testKey, testNet } from './market.ts'

const net = testNet()
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
export const miner = testKey(2)

export const claim = (change: Partial<TickClaim> = {}): TickClaim => ({
  slot: 24,
  gpu: 'cpu-0',
  work: 'gemm',
  k: 3,
  count: 30,
  head: of(32, 6),
  ...change,
})

/** The close that a claim is: its ticks did the same each, and all but the last have the head of `claim()`. */
export const closing = <T extends Pick<TickClaim, 'k' | 'count' | 'head'>>(last: T) => {
  const before = Array.from({ length: Math.max(0, last.k - 1) }, (_, i) => ({
    count: Math.floor((last.count * (i + 1)) / last.k),
    head: of(32, 6),
  }))
  return { ...last, ticks: tellTicks(last.k === 0 ? [] : [...before, last]) }
}
export const close = (change: Partial<TickClaim> = {}): FinalClaim => closing(claim(change))

const about = { accused: miner.peerId, miner: miner.peerId, gpu: 'cpu-0', slot: 24 }

/** A miner's two stories of one slot. */
export const equivocation = (): Fraud => ({
  kind: 'equivocation',
  ...about,
  claims: [
    sealTick(net, miner, claim()).bytes,
    sealFinal(net, miner, close({ head: of(32, 7) })).bytes,
  ],
})

/** A proof of the right shape about one element; its bytes prove nothing. */
export const elementFraud = (): Fraud => ({
  kind: 'false-value',
  ...about,
  shown: {
    hotkey: of(32, 1),
    size: 512,
    pulses: { gemm: of(48, 2), open: of(48, 3) },
    final: sealFinal(net, miner, close()).bytes,
    counts: [10, 20, 30],
    roots: of(32 * 30, 4),
    at: [5, 6, 7],
    element: {
      previous: of(512, 5),
      previousPath: of(288, 6),
      chunk: of(512, 7),
      chunkPath: of(288, 8),
    },
  },
})

/** The same about one page. */
export const pageFraud = (): Fraud => ({
  kind: 'false-value',
  ...about,
  shown: {
    hotkey: of(32, 1),
    size: 8 << 20,
    pulses: { fill: of(48, 1), start: of(48, 2), open: of(48, 3) },
    final: sealFinal(net, miner, close({ work: 'residency' })).bytes,
    counts: [10, 20, 30],
    roots: of(32 * 30, 4),
    at: [5, 6],
    page: { leaf: of(1024, 7), path: of(128, 8) },
  },
})

/** A proof of the right shape that a close tells of other ticks than its chain; its bytes prove nothing. */
export const forkFraud = (): Fraud => {
  const { element: _, at: __, ...shown } = elementFraud().shown!
  return { ...elementFraud(), kind: 'forked-chain', shown: { ...shown, at: [] } }
}

/** A validator is accused of calling a true value false. */
export const falseAccusation = (validator: string, over: Fraud = elementFraud()): Fraud => ({
  ...over,
  kind: 'false-accusation',
  accused: validator,
})
