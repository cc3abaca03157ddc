/** What a slot measures, from counts (gpu-protocol §2: rates are count over window, scoring.md §4). */

/** TOPS of an n×n integer GEMM chain: 2n³ operations per step. */
export const topsOf = (n: number, steps: number, windowMs: number): number =>
  (2 * n ** 3 * steps) / (windowMs / 1000) / 1e12

/** GB/s of passes over a fill of `bytes`: decimal, as makers of memory count. */
export const gbPerSecondOf = (bytes: number, passes: number, windowMs: number): number =>
  (bytes * passes) / (windowMs / 1000) / 1e9
