/** How a GPU takes part in slots: free, beside a tenant with little, or not at all since a tenant bought that. */
export const proofModes = ['idle', 'leased', 'exclusive'] as const
export type ProofMode = (typeof proofModes)[number]

/** A mode by its word; undefined for one of a later version. */
export const proofModeOf = (word: string): ProofMode | undefined =>
  proofModes.find((mode) => mode === word)

/**
 * How a device is announced: in a mode, or as one that is being filled. The latter takes part in no slot: nobody expects
 * its proofs, and none pays. On the wire it is a word like those of later versions, which prove nothing either.
 */
export type AnnouncedMode = ProofMode | 'filling'

/** Whether a device in a mode shows anything in slots, from a fill of its own. */
export const provesIn = (mode: AnnouncedMode): mode is 'idle' | 'leased' =>
  mode === 'idle' || mode === 'leased'

/**
 * A mode and when it began: a change is announced before it counts, so that whoever knows the announcement derives the
 * same mode for the same slot (docs/proof-of-gpu.md, "Modes").
 */
export interface ModeSince {
  readonly mode: AnnouncedMode
  /** Slots whose pulse is scheduled at or after this have `mode`, unix ms. */
  readonly fromMs: number
  /** The mode of slots before. */
  readonly before: AnnouncedMode
}

/** The mode of a device that needs no notice, for nothing proves it. */
export const ALWAYS_IDLE: ModeSince = { mode: 'idle', fromMs: 0, before: 'idle' }

/** That of one that was not announced so far. */
export const NOT_YET: ModeSince = { mode: 'filling', fromMs: 0, before: 'filling' }

/** The mode that counts in a slot, by the scheduled time of its pulse. */
export const modeAt = ({ mode, fromMs, before }: ModeSince, slotMs: number): AnnouncedMode =>
  slotMs >= fromMs ? mode : before

/**
 * What is to be announced of a device that shall be in a mode: the change counts after the network's notice, and the
 * next change waits until this one counts, for an announcement tells one change alone.
 */
export function changedMode(
  standing: ModeSince,
  wanted: AnnouncedMode,
  nowMs: number,
  noticeMs: number,
): ModeSince {
  if (wanted === standing.mode || nowMs < standing.fromMs) return standing
  return { mode: wanted, fromMs: nowMs + noticeMs, before: standing.mode }
}
