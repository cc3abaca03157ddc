import { hash } from 'node:crypto'
import { NodeError } from '../../errors.ts'
import { lostTo } from './share-lost.ts'

/** Every number that scores depend on; two nodes with one hash compute one score (notes/scoring.md §2). */
export interface ScoringConstants {
  /** GiB, GB/s and TOPS of the unit card (H100 SXM = 1). */
  readonly V_REF: number
  readonly B_REF: number
  readonly T_REF: number
  /** Must sum to 1, so that no partition of a card earns more than the card. */
  readonly EXP_V: number
  readonly EXP_B: number
  readonly EXP_T: number
  /** Memory counts only as far as bandwidth streams it in this time. */
  readonly STREAM_MAX_MS: number
  /** TOPS count up to this many per TB/s of bandwidth. */
  readonly TOPS_PER_TBS_MAX: number
  /** Below any of these a GPU earns nothing. */
  readonly V_MIN: number
  readonly B_MIN: number
  readonly T_MIN: number
  /** What a unit pays rises from RATE_MIN to 1 between these sizes, in GiB, where locality is proven. */
  readonly RATE_MIN: number
  readonly RATE_V_LO: number
  readonly RATE_V_HI: number
  /** Slots that count, and slots a new GPU needs to earn in full. */
  readonly WINDOW_SLOTS: number
  readonly RAMP_SLOTS: number
  readonly RELIABILITY_EXP: number
  /** Share of slots that may be unknown before they count as failed. */
  readonly UNKNOWN_MAX: number
  /** Share of active stake that must be exceeded for anything to be so. */
  readonly KAPPA: number
  /** False values proven in so many slots of so many suspend a GPU for so many days. */
  readonly STRIKES: number
  readonly STRIKE_SLOTS: number
  readonly SUSPEND_D: number
  readonly LEASED_FACTOR: number
  /** Share of a window in which leased proofs work; the network's slots say the same. */
  readonly LEASED_DUTY: number
  /** Days since the last idle proof after which a leased GPU earns less, and nothing. */
  readonly LEASED_FRESH_D: number
  readonly LEASED_DEAD_D: number
  readonly LEASE_PENALTY_MAX: number
  readonly BONUS_RATE: number
  readonly BONUS_MAX: number
  /** Rated units at which the whole emission goes to miners. */
  readonly U_TARGET: number
  readonly BURN_MIN: number
  /** The most that an offer may ask for a rated unit an hour, in whole units of each asset. */
  readonly PRICE_CAP_DEV: number
  readonly PRICE_CAP_TAO: number
  readonly PRICE_CAP_XMR: number
  readonly PRICE_CAP_SUI: number
  /** TOPS of the unit processor; 0: class `cpu` earns nothing on this network. */
  readonly CPU_T_REF: number
}

/** Public networks. Values marked † in notes/scoring.md are to be recalibrated on real GPUs. */
export const PUBLIC_CONSTANTS: ScoringConstants = {
  V_REF: 76,
  B_REF: 2900,
  T_REF: 800,
  EXP_V: 0.4,
  EXP_B: 0.3,
  EXP_T: 0.3,
  STREAM_MAX_MS: 80,
  TOPS_PER_TBS_MAX: 800,
  V_MIN: 7.5,
  B_MIN: 200,
  T_MIN: 8,
  RATE_MIN: 0.5,
  RATE_V_LO: 24,
  RATE_V_HI: 60,
  WINDOW_SLOTS: 96,
  RAMP_SLOTS: 32,
  RELIABILITY_EXP: 2,
  UNKNOWN_MAX: 0.1,
  KAPPA: 0.5,
  STRIKES: 3,
  STRIKE_SLOTS: 96,
  SUSPEND_D: 7,
  LEASED_FACTOR: 0.5,
  LEASED_DUTY: 0.75,
  LEASED_FRESH_D: 7,
  LEASED_DEAD_D: 28,
  LEASE_PENALTY_MAX: 0.3,
  BONUS_RATE: 0.9,
  BONUS_MAX: 0.25,
  U_TARGET: 1000,
  BURN_MIN: 0,
  // Estimates: some ten times what an H100 costs elsewhere, so that a cap stops offers that nobody is meant to take.
  PRICE_CAP_DEV: 1000,
  PRICE_CAP_TAO: 0.1,
  PRICE_CAP_XMR: 0.2,
  PRICE_CAP_SUI: 20,
  CPU_T_REF: 0,
}

/** A market on one machine: processors earn, a slot every few seconds makes a ramp of hours senseless, nothing burns. */
export const LOCAL_CONSTANTS: ScoringConstants = {
  ...PUBLIC_CONSTANTS,
  WINDOW_SLOTS: 32,
  RAMP_SLOTS: 1,
  U_TARGET: 0,
  CPU_T_REF: 0.02,
}

/** The table of a network, judged. */
export const constantsOf = (network: 'local' | 'test' | 'finney'): ScoringConstants =>
  checkedConstants(network === 'local' ? LOCAL_CONSTANTS : PUBLIC_CONSTANTS)

type Rule = readonly [holds: (c: ScoringConstants) => boolean, why: string]

const EPSILON = 1e-9
const leastLost = (c: ScoringConstants): number =>
  Math.min(lostTo(c.LEASED_DUTY, false, c), lostTo(c.LEASED_DUTY, true, c))
const rules: readonly Rule[] = [
  [
    (c) => Math.abs(c.EXP_V + c.EXP_B + c.EXP_T - 1) < EPSILON,
    'EXP_V, EXP_B and EXP_T must sum to 1: a split card would earn more than the card',
  ],
  [
    (c) => c.LEASED_FACTOR <= c.EXP_B + c.EXP_T + EPSILON,
    'LEASED_FACTOR must not exceed EXP_B + EXP_T: leased parts of a card would earn more than the card',
  ],
  [
    (c) => c.LEASED_DUTY > 0 && c.LEASED_DUTY <= 1 && leastLost(c) >= c.LEASED_FACTOR - EPSILON,
    'LEASED_FACTOR must not exceed what a card loses to one that works at LEASED_DUTY: parts of it would earn more',
  ],
  [(c) => c.BONUS_RATE < 1, 'BONUS_RATE must be below 1: burning would pay for itself'],
  [(c) => c.RELIABILITY_EXP >= 1, 'RELIABILITY_EXP must be at least 1'],
  [(c) => c.KAPPA >= 0.5 && c.KAPPA < 1, 'KAPPA must be in 0.5 to 1: a minority would decide'],
  [(c) => c.UNKNOWN_MAX >= 0 && c.UNKNOWN_MAX < 1, 'UNKNOWN_MAX must be in 0 to 1'],
  [(c) => c.BURN_MIN >= 0 && c.BURN_MIN < 1, 'BURN_MIN must be in 0 to 1'],
  [(c) => c.RATE_MIN > 0 && c.RATE_MIN <= 1, 'RATE_MIN must be in 0 to 1'],
  [(c) => c.RATE_V_LO < c.RATE_V_HI, 'RATE_V_LO must be below RATE_V_HI'],
  [(c) => c.LEASED_FRESH_D < c.LEASED_DEAD_D, 'LEASED_FRESH_D must be below LEASED_DEAD_D'],
  [
    (c) => Number.isInteger(c.WINDOW_SLOTS) && c.WINDOW_SLOTS >= c.RAMP_SLOTS && c.RAMP_SLOTS >= 1,
    'WINDOW_SLOTS must be a whole number of at least RAMP_SLOTS, and that at least 1',
  ],
  [
    (c) => Number.isInteger(c.STRIKES) && c.STRIKES >= 1,
    'STRIKES must be a whole number of at least 1: a first bit flip would else suspend for nothing',
  ],
  [(c) => c.V_REF > 0 && c.B_REF > 0 && c.T_REF > 0, 'the unit card must have a size'],
  [
    (c) => Object.values(c).every((v) => Number.isFinite(v) && v >= 0),
    'every constant must be a number of at least 0',
  ],
]

/** The constants themselves when they keep what the formula promises; BAD_CONFIG_SCORING says which rule breaks. */
export function checkedConstants(constants: ScoringConstants): ScoringConstants {
  const broken = rules.find(([holds]) => !holds(constants))
  if (broken === undefined) return constants
  throw new NodeError('BAD_CONFIG_SCORING', broken[1], { next: 'correct the scoring constants' })
}

/** SHA-256 over names and values in order of name, hex: printed by `score --explain`, so that two sides can compare. */
export function constantsHash(constants: ScoringConstants): string {
  const named = Object.entries(constants).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return hash('sha256', `compute-node/scoring/1\0${JSON.stringify(named)}`)
}
