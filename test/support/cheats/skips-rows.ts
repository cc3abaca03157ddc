import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

/** The share of rows that it makes up. */
const SHARE = 0.1

export const skipsRows: Cheat = {
  name: 'skips-rows',
  does: 'makes up the last tenth of every matrix',
  verdict: 'BAD_VALUE gemm',
  bound: 'passes with (1−0.1)^256 = 2·10⁻¹²; test/gpu/cheat-odds.test.ts has 1 to 10 %',
  member: () => ({
    backend: createTamperedBackend({
      matrix: (x, n) => x.fill(17, Math.ceil((1 - SHARE) * n) * n),
    }),
  }),
}
