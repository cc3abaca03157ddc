import type { ProofMode } from '../gpu/proof-mode.ts'
import { createChanges } from './leases/changes.ts'

/** What the provers of this node hold of its devices, so that a tenant's container finds the room it was promised. */
export interface ProofRoom {
  /** A prover prepared for a mode: it holds what that mode takes. */
  took(gpu: string, mode: ProofMode): void
  /** A prover let go of a device, or failed. */
  left(gpu: string): void
  /** Whether a prover holds no more of a device than a mode takes: whoever holds nothing is in nobody's way. */
  isIn(gpu: string, mode: ProofMode): boolean
  /** Resolves once a device is in a mode: false when that took longer than `ms`, or `signal` aborted. */
  until(gpu: string, mode: ProofMode, ms: number, signal: AbortSignal): Promise<boolean>
}

export function createProofRoom(): ProofRoom {
  const held = new Map<string, ProofMode>()
  const changes = createChanges()
  const isIn = (gpu: string, mode: ProofMode): boolean =>
    !held.has(gpu) || (mode !== 'exclusive' && held.get(gpu) === mode)
  return {
    took(gpu, mode) {
      held.set(gpu, mode)
      changes.changed(gpu)
    },
    left(gpu) {
      held.delete(gpu)
      changes.changed(gpu)
    },
    isIn,
    until: async (gpu, mode, ms, signal) =>
      (await changes.until(gpu, () => isIn(gpu, mode) || undefined, { ms, signal })) === true,
  }
}
