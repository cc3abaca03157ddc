import type { ProofSizes } from './backend.ts'
import type { SlotNetwork } from './slot-network.ts'

/** How a GPU takes part in slots: free, beside a tenant with little, or not at all since a tenant bought that. */
export const proofModes = ['idle', 'leased', 'exclusive'] as const
export type ProofMode = (typeof proofModes)[number]

/** A mode by its word; undefined for one of a later version. */
export const proofModeOf = (word: string): ProofMode | undefined =>
  proofModes.find((mode) => mode === word)

/**
 * A mode and when it began: a change is announced before it counts, so that whoever knows the announcement derives the
 * same mode for the same slot (docs/proof-of-gpu.md, "Modes").
 */
export interface ModeSince {
  readonly mode: ProofMode
  /** Slots whose pulse is scheduled at or after this have `mode`, unix ms. */
  readonly fromMs: number
  /** The mode of slots before. */
  readonly before: ProofMode
}

/** The mode of a device of which nothing was ever announced. */
export const ALWAYS_IDLE: ModeSince = { mode: 'idle', fromMs: 0, before: 'idle' }

/** The mode that counts in a slot, by the scheduled time of its pulse. */
export const modeAt = ({ mode, fromMs, before }: ModeSince, slotMs: number): ProofMode =>
  slotMs >= fromMs ? mode : before

/**
 * What is to be announced of a device that shall be in a mode: the change counts after the network's notice, and the
 * next change waits until this one counts, for an announcement tells one change alone.
 */
export function changedMode(
  standing: ModeSince,
  wanted: ProofMode,
  nowMs: number,
  noticeMs: number,
): ModeSince {
  if (wanted === standing.mode || nowMs < standing.fromMs) return standing
  return { mode: wanted, fromMs: nowMs + noticeMs, before: standing.mode }
}

/** What a device proves with in a mode, from what it proves with when idle; undefined where it does not prove. */
export function sizesIn(
  mode: ProofMode,
  { leased }: Pick<SlotNetwork, 'leased'>,
  idle: ProofSizes,
): ProofSizes | undefined {
  if (mode === 'exclusive') return undefined
  if (mode === 'idle') return idle
  return { n: Math.min(idle.n, leased.n), bytes: Math.min(idle.bytes, leased.bytes) }
}

/** Device memory that a prover of these sizes holds: the fill with its tree and digests, and the chain's matrices. */
export const memoryOf = ({ n, bytes }: ProofSizes): number =>
  Math.ceil(bytes * (1 + 1 / 256)) + 3 * n * n + Math.ceil((n * n) / 16)

const MILLION = 1_000_000

/**
 * Parts per million of a GPU's time that proofs beside a tenant take on average, at most: both windows at the leased
 * duty, the chain once more to open its rows, and the opened passes once more (of at least half of those that can count,
 * which any GPU that earns something does); over the mean time between two slots: a hit after a spacing without one,
 * outside of the time to fill.
 */
export function proofSharePpm(net: SlotNetwork): number {
  const { windowMs, leased, residency, denominator, spacing, stride, epoch, end, roundMs } = net
  const reopened = (windowMs.residency * 2 * residency.passSamples) / residency.maxPasses
  const workMs = leased.duty * (windowMs.residency + 2 * windowMs.gemm + reopened)
  const starts = Math.floor((epoch.rounds - epoch.fillRounds - end) / stride) + 1
  const tried = Math.ceil(spacing / stride) - 1
  const perEpoch = (starts / denominator) * (1 - 1 / denominator) ** tried
  return Math.ceil((MILLION * workMs * perEpoch) / (epoch.rounds * roundMs))
}
