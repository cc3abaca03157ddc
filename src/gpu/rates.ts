/** What a slot measures, from counts (gpu-protocol §2: rates are count over window, scoring.md §4). */

/** TOPS of an n×n integer GEMM chain: 2n³ operations per step. */
export const topsOf = (n: number, steps: number, windowMs: number): number =>
  (2 * n ** 3 * steps) / (windowMs / 1000) / 1e12

/**
 * Mean time of one hop of a locality chain, ns: no less than it took, for what came after the last tick is not counted.
 * 0 without any checkpoint.
 */
export const nsPerHopOf = (checkpoints: number, hops: number, windowMs: number): number =>
  checkpoints === 0 ? 0 : (windowMs * 1e6) / (checkpoints * hops)

/** GB/s of passes over a fill of `bytes`: decimal, as makers of memory count. */
export const gbPerSecondOf = (bytes: number, passes: number, windowMs: number): number =>
  (bytes * passes) / (windowMs / 1000) / 1e9
