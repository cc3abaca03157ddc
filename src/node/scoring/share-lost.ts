/**
 * The share of its units that an idle device loses to one that takes `share` of its bandwidth and throughput: of a GPU,
 * whose memory stays its own, by their exponents (notes/scoring.md §4); of a processor, which is paid by throughput
 * alone, just that.
 */
export const lostTo = (
  share: number,
  isProcessor: boolean,
  { EXP_B, EXP_T }: { readonly EXP_B: number; readonly EXP_T: number },
): number => (isProcessor ? share : 1 - (1 - share) ** (EXP_B + EXP_T))
