/** By how much bandwidth and throughput count in the units of a GPU; of a processor only throughput does. */
export interface Weights {
  readonly b: number
  readonly t: number
}
export const CPU_WEIGHTS: Weights = { b: 0, t: 1 }

/** The share of its units that an idle GPU loses to one that takes these shares of its bandwidth and throughput. */
export const shareLost = (b: number, t: number, weights: Weights): number =>
  1 - (1 - b) ** weights.b * (1 - t) ** weights.t

/** What a GPU that works at the duty cycle of leased proofs takes of an idle one's units. */
export const lostAtDuty = (
  c: { readonly EXP_B: number; readonly EXP_T: number; readonly LEASED_DUTY: number },
  isCpu: boolean,
): number =>
  isCpu
    ? shareLost(0, c.LEASED_DUTY, CPU_WEIGHTS)
    : shareLost(c.LEASED_DUTY, c.LEASED_DUTY, { b: c.EXP_B, t: c.EXP_T })
