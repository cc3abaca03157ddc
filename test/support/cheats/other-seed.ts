import { sha256 } from '../../../src/bytes.ts'
import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const otherSeed: Cheat = {
  name: 'other-seed',
  does: 'makes passes under keys of another identity',
  verdict: 'BAD_VALUE residency',
  bound: 'a digest of 8 bytes under another key is right one time in 2⁶⁴',
  member: () => ({
    backend: createTamperedBackend(),
    misbehaviour: { seed: (seed, work) => (work === 'residency' ? sha256(seed) : seed) },
  }),
}
