import { sha256 } from '../../../src/bytes.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const precomputed: Cheat = {
  name: 'precomputed',
  does: 'did its matrices before the slot, from a seed of its own, and claims them now',
  verdict: 'BAD_VALUE gemm',
  bound: 'a value of another seed is right one time in 256, at each of at least 256 crossings',
  member: () => ({
    backend: createTamperedBackend(),
    misbehaviour: { seed: (seed, work) => (work === 'gemm' ? sha256(seed.slice(0, 1)) : seed) },
  }),
}
