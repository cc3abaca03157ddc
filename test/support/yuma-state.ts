import type { Row, YumaNeuron, YumaParameters, YumaState } from '../../src/chain/yuma/state.ts'

/** The runtime's defaults, without a threshold. */
export const parameters: YumaParameters = {
  kappa: 32_767,
  bondsPenalty: 65_535,
  bondsMovingAverage: 900_000,
  yuma3: false,
  liquidAlpha: undefined,
  maxValidators: 64,
  stakeThreshold: 0n,
  activityCutoff: 5000,
  commitReveal: false,
}

/** What a test says of a state; the rest is as after registration in block 0, at block 1. */
export interface Sketch extends Partial<Omit<YumaState, 'parameters' | 'neurons' | 'weights'>> {
  readonly stakes: readonly (number | bigint)[]
  /** Rows by uid; who has one set it in block `block`. */
  readonly weights?: Readonly<Record<number, Row>>
  readonly parameters?: Partial<YumaParameters>
  readonly neurons?: Readonly<Record<number, Partial<YumaNeuron>>>
}

/** A state from what matters of it: everyone has a seat, and who weighs did so in this block. */
export function yumaState(sketch: Sketch): YumaState {
  const { stakes, weights = {}, neurons = {}, block = 1, ...rest } = sketch
  const rows = stakes.map((_, uid) => weights[uid] ?? [])
  return {
    tempo: 1,
    lastEpochBlock: 0,
    ownerUid: undefined,
    bonds: stakes.map(() => []),
    ...rest,
    block,
    parameters: { ...parameters, ...sketch.parameters },
    neurons: stakes.map((stake, uid) => ({
      stake: BigInt(stake),
      permit: true,
      lastUpdate: weights[uid] === undefined ? 0 : block,
      registeredAt: 0,
      ...neurons[uid],
    })),
    weights: rows,
  }
}
