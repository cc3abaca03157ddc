import { runYuma } from '../../src/chain/yuma/epoch.ts'
import type { Row, YumaParameters, YumaState } from '../../src/chain/yuma/state.ts'
import { median } from '../support/bench.ts'
import type { ChainFigure } from './figure.ts'
import { floatEpoch } from './float-epoch.ts'

/** The seats of a real subnet. */
const SEATS = 64
const TURNS = 5
const EMISSION = 295_200_000_000n

const rules: YumaParameters = {
  kappa: 32_767,
  bondsPenalty: 65_535,
  bondsMovingAverage: 900_000,
  yuma3: false,
  liquidAlpha: undefined,
  maxValidators: SEATS,
  stakeThreshold: 0n,
  activityCutoff: 5000,
  commitReveal: true,
}
const liquid = { yuma3: true, liquidAlpha: { low: 45_875, high: 58_982, steepness: 1000 } }

/** A subnet in which every validator weighs every uid at random, and has a bond on it. */
function denseState(n: number, seats: number, kind: Partial<YumaParameters> = {}): YumaState {
  let seed = n
  const below = (limit: number): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return Math.floor((seed / 2 ** 32) * limit)
  }
  const rows = (): Row[] =>
    Array.from({ length: n }, (_, uid) =>
      uid < seats ? Array.from({ length: n }, (_, to) => [to, 1 + below(65_535)] as const) : [],
    )
  return {
    block: 1000,
    tempo: 360,
    lastEpochBlock: 640,
    ownerUid: 0,
    parameters: { ...rules, maxValidators: seats, ...kind },
    neurons: Array.from({ length: n }, (_, uid) => ({
      stake: BigInt(uid < seats ? 1 + below(2 ** 31) : 0) * 1_000_000n,
      permit: uid < seats,
      lastUpdate: 990,
      registeredAt: 0,
    })),
    weights: rows(),
    bonds: rows(),
  }
}

function timed(work: () => unknown): number {
  const startMs = performance.now()
  work()
  return performance.now() - startMs
}

/** One epoch with dense weights, exact and in floating point, in turn. */
function compare(state: YumaState): { exactMs: number; floatMs: number } {
  const [exact, float]: [number[], number[]] = [[], []]
  for (let turn = -1; turn < TURNS; turn++) {
    const exactMs = timed(() => runYuma(state, EMISSION))
    const floatMs = timed(() => floatEpoch(state))
    if (turn < 0) continue // warms up
    exact.push(exactMs)
    float.push(floatMs)
  }
  return { exactMs: median(exact), floatMs: median(float) }
}

/**
 * An epoch of 256 and of 1024 uids, 64 of them validators that weigh everybody, beside the same in plain floating
 * point; and beyond anything real, with everybody a validator. `yuma…Ms` is Yuma2, the usual kind.
 */
export const yuma: ChainFigure = {
  targets: { yuma256Ms: { atMost: 1000 }, yuma1024Ms: { atMost: 10_000 } },
  async measure(progress) {
    const small = compare(denseState(256, SEATS))
    progress(`256 uids: ${small.exactMs.toFixed(0)} ms`)
    const large = compare(denseState(1024, SEATS))
    progress(`1024 uids: ${large.exactMs.toFixed(0)} ms`)
    const once = (n: number, seats: number, kind: Partial<YumaParameters> = {}): number => {
      const state = denseState(n, seats, kind)
      return timed(() => runYuma(state, EMISSION))
    }
    return {
      figures: {
        yuma256Ms: small.exactMs,
        yuma1024Ms: large.exactMs,
        yuma3Liquid256Ms: once(256, SEATS, liquid),
        yuma3Liquid1024Ms: once(1024, SEATS, liquid),
      },
      yardstick: {
        float256Ms: small.floatMs,
        float1024Ms: large.floatMs,
        everybodyValidates256Ms: once(256, 256),
        everybodyValidates1024Ms: once(1024, 1024),
        everybodyValidatesLiquid1024Ms: once(1024, 1024, liquid),
      },
    }
  },
}
