import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const duplicateRows: Cheat = {
  name: 'duplicate-rows',
  does: 'computes one row of the third step and repeats it',
  verdict: 'BAD_VALUE gemm',
  bound: 'passes with 256^(−r²)',
  member: () => ({
    backend: createTamperedBackend({
      matrix(x, n, step) {
        for (let j = 1; step === 3 && j < n; j++) x.copyWithin(j * n, 0, n)
      },
    }),
  }),
}
