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
