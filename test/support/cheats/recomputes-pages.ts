import { createTamperedBackend } from '../tampered-backend.ts'
import type { Cheat } from './cheat.ts'

/** The share of pages that it keeps nowhere. */
export const RECOMPUTED = 0.25

export const recomputesPages: Cheat = {
  name: 'recomputes-pages',
  does: 'computes a quarter of its fill again in every pass, and so announces more memory than it has',
  verdict: 'VALID',
  bound: 'its bytes are right; it costs passes: 1 + x·iterations times the arithmetic of one',
  member: () => ({ backend: createTamperedBackend({ recomputed: RECOMPUTED }) }),
}
