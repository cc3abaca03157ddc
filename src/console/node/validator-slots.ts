import type { ValidatorState } from '../../api/overview.ts'
import type { AttestationRow as Attestation } from '../../api/scores.ts'

/** A slot as this validator saw it: whom it followed, what it said of each, or why it says nothing. */
export interface SlotSeen {
  readonly slot: number
  /** Undefined where an earlier run of the node saw it. */
  readonly atMs: number | undefined
  /** Devices that it followed; undefined where an earlier run did. */
  readonly followed: number | undefined
  readonly abstained: string | undefined
  readonly words: readonly Attestation[]
}

/** Slots newest first, each with this validator's own words. */
export function slotsSeen(
  own: ValidatorState['slots'],
  words: readonly Attestation[],
): readonly SlotSeen[] {
  const bySlot = Map.groupBy(words, ({ slot }) => slot)
  const told = new Map(own.map((one) => [one.slot, one]))
  const slots = [...new Set([...bySlot.keys(), ...told.keys()])].toSorted((a, b) => b - a)
  return slots.map((slot) => {
    const begun = told.get(slot)
    return {
      slot,
      atMs: begun?.atMs,
      followed: begun?.gpus,
      abstained: begun?.abstained ?? undefined,
      words: bySlot.get(slot) ?? [],
    }
  })
}

/** How far a slot is told: all of the followed devices have a verdict, some, or none yet. */
export function coverageOf({ followed, words, abstained }: SlotSeen): string {
  if (abstained !== undefined) return 'abstains'
  const judged = words.filter(({ verdict }) => verdict !== null).length
  if (followed === undefined) return `${judged} judged`
  return followed === 0 ? 'nobody to follow' : `${judged} of ${followed} judged`
}

/** Why a validator says nothing of a slot, in words. */
export const abstainWords: Readonly<Record<string, string>> = {
  LAGGED: 'this machine was too busy to see in time',
  CLOCK_SKEW: 'the clock of this machine is wrong',
  LOW_COVERAGE: 'it heard of too few miners: it may be cut off',
  MISSED_PULSE: 'it did not hear the pulse that opens the slot',
}

/** Why weights are not set, in words. */
export const waitingWords: Readonly<Record<string, string>> = {
  NEW_EPOCH: 'a new epoch began: they are set within moments',
  UNREGISTERED: 'the hotkey is not registered',
  NO_PERMIT: 'the chain gives this hotkey no permit to validate',
  LOW_STAKE: 'too little is staked',
  NO_EVIDENCE: 'no slot of a bound miner was judged yet',
  NO_WALLET: 'this node has no hotkey',
  CHAIN_UNREACHABLE: 'the chain does not answer',
}
