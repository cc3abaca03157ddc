import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const lateRoots: Cheat = {
  name: 'late-roots',
  does: 'names other roots once it knows what is opened',
  verdict: 'BAD_COMMIT gemm',
  bound: 'the Final bound every root before the open pulse',
  member: () => ({
    backend: createTamperedBackend(),
    misbehaviour: {
      openings: ({ gemm, ...rest }) => ({
        ...rest,
        gemm: { ...gemm, roots: gemm.roots.map((byte) => byte ^ 1) },
      }),
    },
  }),
}
