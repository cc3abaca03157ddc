import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const zeroStep: Cheat = {
  name: 'zero-step',
  does: 'puts zeros in place of the third step, after which every step is zeros for nothing',
  verdict: 'BAD_VALUE gemm',
  bound: 'passes with 256^(−r²)',
  member: () => ({
    backend: createTamperedBackend({ matrix: (x, _n, step) => step === 3 && x.fill(0) }),
  }),
}
