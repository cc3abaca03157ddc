import type { ScoringConstants } from './constants.ts'
import type { ReasonCode } from './reason-codes.ts'

/** What a GPU showed in one slot: GiB, GB/s, TOPS. */
export interface Figures {
  readonly v: number
  readonly b: number
  readonly t: number
}

/** GB in a GiB. */
const GB_PER_GIB = 1.073741824

/** Rounds to a millionth, the unit of scores, so that both sides print one number. */
export const q6 = (x: number): number => Math.round(x * 1e6) / 1e6
export const clamp = (x: number, lo: number, hi: number): number => Math.min(hi, Math.max(lo, x))

/** What limits the units of a GPU that is above every minimum, or OK. */
export function unitsReason({ v, b, t }: Figures, c: ScoringConstants): ReasonCode {
  if (v < c.V_MIN || b < c.B_MIN || t < c.T_MIN) return 'BELOW_MINIMUM'
  if (v > streamedGiB(b, c)) return 'STREAM_CAPPED'
  return t > fedTops(b, c) ? 'TOPS_CAPPED' : 'OK'
}

/** Memory that a bandwidth streams in the time that counts, GiB. */
export const streamedGiB = (b: number, c: ScoringConstants): number =>
  (b * c.STREAM_MAX_MS) / 1000 / GB_PER_GIB

/** TOPS that a bandwidth feeds. */
export const fedTops = (b: number, c: ScoringConstants): number => (c.TOPS_PER_TBS_MAX * b) / 1000

/**
 * Units of one GPU in one slot, H100 = 1 (notes/scoring.md §4): a weighted geometric mean, of degree 1 and concave,
 * so shares of a card never earn more than the card.
 */
export function units({ v, b, t }: Figures, c: ScoringConstants): number {
  if (v < c.V_MIN || b < c.B_MIN || t < c.T_MIN) return 0
  const streamed = Math.min(v, streamedGiB(b, c))
  const fed = Math.min(t, fedTops(b, c))
  return uncapped({ v: streamed, b, t: fed }, c)
}

/** What figures would be worth if no cap and no minimum held. */
export function uncapped({ v, b, t }: Figures, c: ScoringConstants): number {
  const share = (x: number, ref: number, exp: number): number => (x / ref) ** exp
  return q6(share(v, c.V_REF, c.EXP_V) * share(b, c.B_REF, c.EXP_B) * share(t, c.T_REF, c.EXP_T))
}

/** Units of a processor: its measured TOPS alone; nothing where class `cpu` earns nothing. */
export const cpuUnits = (tops: number, c: ScoringConstants): number =>
  c.CPU_T_REF > 0 ? q6(tops / c.CPU_T_REF) : 0

/** What a unit of a GPU of this size pays, RATE_MIN to 1; flat until locality is proven. */
export function rate(v: number, isLocal: boolean, c: ScoringConstants): number {
  if (!isLocal) return c.RATE_MIN
  const rise = clamp((v - c.RATE_V_LO) / (c.RATE_V_HI - c.RATE_V_LO), 0, 1)
  return c.RATE_MIN + (1 - c.RATE_MIN) * rise
}
