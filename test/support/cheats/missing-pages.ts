import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const missingPages: Cheat = {
  name: 'missing-pages',
  does: 'reads zeros where it has no memory: half of what it announces',
  verdict: 'BAD_VALUE residency',
  bound: 'passes with (1−x)^pages: 2⁻⁶⁴ here, (1−x)^256 on public networks',
  member: () => ({
    backend: createTamperedBackend({ fill: (memory) => memory.fill(0, memory.length / 2) }),
  }),
}
