import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const wrongShape: Cheat = {
  name: 'wrong-shape',
  does: 'opens rows of half the length it announced',
  verdict: 'BAD_SHAPE gemm',
  bound: 'every length follows from the announcement and the Final',
  member: () => ({
    backend: createTamperedBackend(),
    misbehaviour: {
      openings: ({ gemm, ...rest }) => ({
        ...rest,
        gemm: { ...gemm, rows: gemm.rows.slice(gemm.rows.length / 2) },
      }),
    },
  }),
}
