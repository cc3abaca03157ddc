import type { ProofSizes } from './backend.ts'
import type { ProofMode } from './proof-mode.ts'
import { FILL_UNIT_BYTES } from './resident-fill.ts'
import type { PerWork, SlotNetwork } from './slot-network.ts'

/** How long a device works in each window, and how often it ticks. */
export const paceIn = (
  net: SlotNetwork,
  mode: ProofMode,
): { readonly windowMs: PerWork<number>; readonly tickMs: PerWork<number> } => {
  const { windowMs, tickMs, leased } = net
  return mode === 'leased' ? leased : { windowMs, tickMs: { residency: tickMs, gemm: tickMs } }
}

/** What a device proves with in a mode, from what it proves with when idle; undefined where it does not prove. */
export function sizesIn(
  mode: ProofMode,
  { leased }: Pick<SlotNetwork, 'leased'>,
  idle: ProofSizes,
): ProofSizes | undefined {
  if (mode === 'exclusive') return undefined
  if (mode === 'idle') return idle
  const [least, most] = leased.fillBytes
  const units = Math.ceil((idle.bytes * leased.fillShare) / FILL_UNIT_BYTES)
  const bytes = Math.min(idle.bytes, most, Math.max(least, units * FILL_UNIT_BYTES))
  return { n: Math.min(idle.n, leased.n), bytes }
}

/** Device memory that a prover of these sizes holds: the fill with its tree and digests, and the chain's matrices. */
export const memoryOf = ({ n, bytes }: ProofSizes): number =>
  Math.ceil(bytes * (1 + 1 / 256)) + 3 * n * n + Math.ceil((n * n) / 16)

const MILLION = 1_000_000

/**
 * Parts per million of a GPU's time that proofs beside a tenant take on average, at most: both windows at the leased
 * duty, the chain once more to open its rows, and the opened passes once more (of at least half of those that can
 * count); over the mean time between two slots: a hit after a spacing without one,
 * outside of the time to fill.
 */
export function proofSharePpm(net: SlotNetwork): number {
  const { leased, residency, denominator, spacing, stride, epoch, end, roundMs } = net
  const { windowMs, duty } = leased
  const reopened = (2 * residency.passSamples) / residency.maxPasses
  const workMs =
    duty.residency * windowMs.residency * (1 + reopened) + 2 * duty.gemm * windowMs.gemm
  const starts = Math.floor((epoch.rounds - epoch.fillRounds - end) / stride) + 1
  const tried = Math.ceil(spacing / stride) - 1
  const perEpoch = (starts / denominator) * (1 - 1 / denominator) ** tried
  return Math.ceil((MILLION * workMs * perEpoch) / (epoch.rounds * roundMs))
}
