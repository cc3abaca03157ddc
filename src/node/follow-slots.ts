import { roundAt, timeOf } from '../beacon.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { fillRoundOf, startsSlot } from '../gpu/slot-schedule.ts'
import type { HeardPulse, PulseBook } from './pulse-book.ts'

export interface SlotListener {
  /** A slot started and its work has not closed yet. */
  onSlot(slot: number): void
  /** Every pulse as it comes, after `onSlot`; those of a slot that came before it was known are repeated, in order. */
  onPulse(heard: HeardPulse): void
}

/** Calls back for every slot that starts from now on, and for every pulse, until `signal` aborts. */
export function followSlots(
  { pulses, slots, nowMs }: { pulses: PulseBook; slots: SlotNetwork; nowMs: () => number },
  listener: SlotListener,
  signal: AbortSignal,
): void {
  const { beacon } = pulses
  const sinceMs = nowMs()
  const started = new Set<number>()
  const undecided = new Set<number>()

  /** Tells of the slot that starts at a round; true when that told of `heard` as well. */
  const consider = (round: number, heard: HeardPulse): boolean => {
    const starts = startsSlot(slots, round, pulses.get)
    if (starts === null) {
      undecided.add(round)
      return false
    }
    undecided.delete(round)
    const closesMs = timeOf(beacon, round + slots.close)
    // One that began before this node followed was seen in part only: testimony on it would be wrong.
    const whole = timeOf(beacon, round) >= sinceMs - slots.maxSkewMs && nowMs() < closesMs
    if (!starts || !whole || started.has(round)) return false
    started.add(round)
    listener.onSlot(round)
    const own = Array.from({ length: slots.open + 1 }, (_, i) => round + i)
    const known = [fillRoundOf(slots, round)!, ...own].flatMap((one) => pulses.get(one) ?? [])
    for (const pulse of known) {
      listener.onPulse(pulse.round === heard.pulse.round ? heard : { pulse, atMs: nowMs() })
    }
    return known.some((pulse) => pulse.round === heard.pulse.round)
  }

  pulses.subscribe((heard) => {
    let isTold = consider(heard.pulse.round, heard)
    for (const round of undecided) isTold = consider(round, heard) || isTold
    const oldest = roundAt(beacon, nowMs()) - slots.spacing
    for (const round of undecided) if (round < oldest) undecided.delete(round)
    for (const round of started) if (round < oldest - slots.end) started.delete(round)
    if (!isTold) listener.onPulse(heard)
  }, signal)
}
