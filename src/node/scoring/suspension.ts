import { hoursMs } from '../../units.ts'
import type { ScoringConstants } from './constants.ts'
import type { ReasonCode } from './reason-codes.ts'

/** A proof that stands against a GPU's work in one slot, whatever anybody's verdict is. */
export interface Proof {
  readonly slot: number
  /** PeerId of its node; a PeerId works for one hotkey. */
  readonly miner: string
  readonly gpu: string
  readonly reason: ReasonCode
}

/** Every proof known, and how rounds, by which slots are named, relate to time and slots. */
export interface Proofs {
  readonly found: readonly Proof[]
  readonly roundMs: number
  /** Rounds between two slots on average. */
  readonly roundsPerSlot: number
}

/** Proofs as outcomes and suspensions ask for them. */
export interface ProofIndex {
  /** The reason of a proof against a GPU in a slot. */
  against(slot: number, miner: string, gpu: string): ReasonCode | undefined
  /** Whether a GPU earns nothing in a slot for false values it showed before. */
  isSuspended(slot: number, miner: string, gpu: string): boolean
}

const nothing: ProofIndex = { against: () => undefined, isSuspended: () => false }

/**
 * Indexes proofs. Memory without error correction flips bits, so a false value fails its slot and no more; STRIKES of
 * them in distinct slots within STRIKE_SLOTS suspend the GPU for SUSPEND_D days, and never for good
 * (notes/scoring.md §6).
 */
export function indexProofs(proofs: Proofs | undefined, c: ScoringConstants): ProofIndex {
  if (proofs === undefined || proofs.found.length === 0) return nothing
  const { found, roundMs, roundsPerSlot } = proofs
  const place = ({ slot, miner, gpu }: Omit<Proof, 'reason'>) => `${slot}/${miner}/${gpu}`
  const bySlot = new Map(found.map((proof) => [place(proof), proof.reason]))
  const strikes = Map.groupBy(
    found.filter(({ reason }) => reason === 'BAD_VALUE'),
    ({ miner, gpu }) => `${miner}/${gpu}`,
  )
  const window = c.STRIKE_SLOTS * roundsPerSlot
  const days = (c.SUSPEND_D * hoursMs(24)) / roundMs
  const suspended = new Map(
    [...strikes].map(([key, own]) => [key, strikeOuts(own, c.STRIKES, window)] as const),
  )
  return {
    against: (slot, miner, gpu) => bySlot.get(place({ slot, miner, gpu })),
    isSuspended: (slot, miner, gpu) =>
      suspended.get(`${miner}/${gpu}`)?.some((from) => slot > from && slot <= from + days) ?? false,
  }
}

/** Slots in which the last of `strikes` false values fell within `window` rounds. */
function strikeOuts(own: readonly Proof[], strikes: number, window: number): number[] {
  const slots = [...new Set(own.map(({ slot }) => slot))].toSorted((a, b) => a - b)
  return slots.filter((slot, i) => {
    const first = slots[i - strikes + 1]
    return first !== undefined && slot - first <= window
  })
}
