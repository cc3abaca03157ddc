import { decides } from './agree.ts'
import type { ScoringConstants } from './constants.ts'
import type { Evidence, SlotEvidence } from './evidence.ts'

/**
 * The newest WINDOW_SLOTS slots that more than KAPPA of active stake speaks of, and as many of what else was named since:
 * whoever names slots that never were cannot push out those that were.
 */
export function windowOf(evidence: Evidence, c: ScoringConstants): SlotEvidence[] {
  const stakes = stakesOf(evidence)
  const active = totalOf(stakes)
  const speaking = ({ testimony }: SlotEvidence): bigint =>
    testimony.reduce((sum, { validator }) => sum + (stakes.get(validator) ?? 0n), 0n)
  const sorted = evidence.slots.toSorted((a, b) => a.slot - b.slot)
  const isHeard = (slot: SlotEvidence): boolean => decides(speaking(slot), active, c.KAPPA)
  const { heard = [], others = [] } = Object.groupBy(sorted, (slot) =>
    isHeard(slot) ? 'heard' : 'others',
  )
  const from = heard.at(-c.WINDOW_SLOTS)?.slot ?? 0
  const window = [
    ...heard.slice(-c.WINDOW_SLOTS),
    ...others.filter(({ slot }) => slot > from).slice(-c.WINDOW_SLOTS),
  ]
  return window.toSorted((a, b) => a.slot - b.slot)
}

/** Stakes by validator. */
export const stakesOf = ({ validators }: Evidence): ReadonlyMap<string, bigint> =>
  new Map(validators.map(({ validator, stake }) => [validator, stake]))
/** All active stake. */
export const totalOf = (stakes: ReadonlyMap<string, bigint>): bigint =>
  [...stakes.values()].reduce((sum, stake) => sum + stake, 0n)
