import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

export const forgedPagePath: Cheat = {
  name: 'forged-page-path',
  does: 'opens pages under siblings that do not lead to the root it committed to',
  verdict: 'BAD_PATH residency',
  bound: 'passes where SHA-256 has a collision',
  member: () => ({
    backend: createTamperedBackend({ paths: (paths) => paths.map((byte) => byte ^ 1) }),
  }),
}
