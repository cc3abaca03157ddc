import { nsPerHopOf } from '../../gpu/rates.ts'
import type { ScoringConstants } from './constants.ts'
import type { Evidence } from './evidence.ts'
import type { ScoredSlot } from './gpu-score.ts'
import { checkpointsOf, offersOf, type SaidOfGpu } from './heard-slot.ts'
import { offerFault } from './offered.ts'
import { missed, paidAsProcessor } from './slot-units.ts'
import { q6, rate } from './units.ts'
import type { IgnoredWord } from './weigh-valid.ts'

/** What a slot counts by beside what the GPU showed in it. */
export interface SlotFacts {
  readonly said: SaidOfGpu
  readonly ignored: readonly IgnoredWord[]
  readonly isSuspended: boolean
  readonly active: bigint
  readonly evidence: Evidence
}

/** A slot as it counts, from what it would be worth: a GPU that is suspended, or that nobody can rent, earns nothing. */
export function scoredSlot(
  worth: ScoredSlot,
  { said, ignored, isSuspended, active, evidence }: SlotFacts,
  c: ScoringConstants,
): ScoredSlot {
  const counted = isSuspended ? withoutUnits(worth) : asOffered(worth, said, active, c)
  const checkpoints = worth.outcome === 'ok' ? checkpointsOf(said, active, c) : 0
  // Of most slots there is nothing more to tell, and so nothing to copy.
  if (checkpoints === 0 && ignored.length === 0) return counted
  return {
    ...counted,
    ...hopFigure(checkpoints, evidence),
    ...(ignored.length === 0 ? {} : { ignored }),
  }
}

/** The mean time of a hop, where there were any. */
function hopFigure(checkpoints: number, { locality }: Evidence): Pick<ScoredSlot, 'nsPerHop'> {
  if (checkpoints === 0 || locality === undefined) return {}
  return { nsPerHop: q6(nsPerHopOf(checkpoints, locality.hops, locality.windowMs)) }
}

/** An idle GPU that nobody can rent, or only too dear, shows what it can and earns nothing. */
function asOffered(
  worth: ScoredSlot,
  said: SaidOfGpu,
  active: bigint,
  c: ScoringConstants,
): ScoredSlot {
  if (worth.outcome !== 'ok' || worth.mode !== 'idle' || worth.units === 0) return worth
  const rated = worth.units * (paidAsProcessor(said.ref, c) ? 1 : rate(worth.gib, false, c))
  const reason = offerFault(offersOf(said), rated, active, c)
  return reason === undefined ? worth : { ...worth, units: 0, reason, ...missed(worth.units) }
}

/** A suspended GPU is as reliable as it shows, and earns nothing. */
const withoutUnits = (slot: ScoredSlot): ScoredSlot =>
  slot.outcome === 'ok' ? { ...slot, units: 0, reason: 'SUSPENDED', ...missed(slot.units) } : slot
