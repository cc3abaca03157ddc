/** Pairs of uid and u16, as the chain stores a row of weights or bonds; each uid at most once. */
export type Row = readonly (readonly [uid: number, value: number])[]

/** Liquid alpha: how fast a bond follows its weight, by how far that is from consensus. */
export interface LiquidAlpha {
  /** Of 65535. */
  readonly low: number
  /** Of 65535, at least `low`. */
  readonly high: number
  /** Of 100, -32768 to 32767; how sudden the change from low to high is. */
  readonly steepness: number
}

/** What a subnet's owner chose. */
export interface YumaParameters {
  /** The share of stake, of 65535, that must support a weight. */
  readonly kappa: number
  /** How much of a weight above consensus is kept from bonds, of 65535; 65535 = all of it. */
  readonly bondsPenalty: number
  /** The part of yesterday's bonds that stays, of 1,000,000. */
  readonly bondsMovingAverage: number
  /** Bonds per pair of validator and miner (Yuma3) instead of shares of each miner's column (Yuma2). */
  readonly yuma3: boolean
  /** Only Yuma3 knows it; undefined = off. */
  readonly liquidAlpha: LiquidAlpha | undefined
  /** Seats for validators. */
  readonly maxValidators: number
  /** Stake below it does not count, but the owner's. Base units. */
  readonly stakeThreshold: bigint
  /** Blocks after its last weights at which a validator stops counting. */
  readonly activityCutoff: number
  /** Whether weights are hidden first; masks weights for who registered after a commit. */
  readonly commitReveal: boolean
}

/** One registered hotkey as an epoch sees it. */
export interface YumaNeuron {
  /** Base units that count for it: alpha and weighted TAO, inherited stake included. */
  readonly stake: bigint
  readonly permit: boolean
  /** Block of its last weights, or of its registration. */
  readonly lastUpdate: number
  readonly registeredAt: number
  /** Block of its oldest commit that is neither revealed nor expired; undefined without one. */
  readonly committedAt?: number | undefined
}

/** All that an epoch depends on. */
export interface YumaState {
  /** The block in which the epoch runs. */
  readonly block: number
  readonly tempo: number
  /** Block of the epoch before; 0 = there was none, and `block` - `tempo` counts. */
  readonly lastEpochBlock: number
  /** The uid of the subnet owner's hotkey: it has a seat whatever its stake, and may weigh itself. */
  readonly ownerUid: number | undefined
  readonly parameters: YumaParameters
  /** Index = uid. */
  readonly neurons: readonly YumaNeuron[]
  /** Index = uid; a uid without weights has an empty row. */
  readonly weights: readonly Row[]
  /** Index = uid; as the epoch before left them. */
  readonly bonds: readonly Row[]
}

/** What an epoch gives one neuron; u16 figures are of 65535. */
export interface NeuronOutcome {
  readonly stakeWeight: number
  readonly active: boolean
  /** Whether it has a seat from now on. */
  readonly permit: boolean
  /** The weight that the majority of stake supports for it. */
  readonly consensus: number
  readonly incentive: number
  readonly dividends: number
  readonly validatorTrust: number
  /** Base units for its work as a miner. */
  readonly minerEmission: bigint
  /** Base units for its work as a validator. */
  readonly validatorEmission: bigint
  /** Base units that the chain shows as its emission: both, rounded down once. */
  readonly emission: bigint
  readonly bonds: Row
}
