import { roundAt, timeOf } from '../beacon.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { startsSlot } from '../gpu/slot-schedule.ts'
import type { HeardPulse, PulseBook } from './pulse-book.ts'

export interface SlotListener {
  /** A slot started and its work has not closed yet. */
  onSlot(slot: number): void
  /** Every pulse as it comes, after `onSlot`; those that came before their slot was known are repeated. */
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

  const consider = (round: number): void => {
    const starts = startsSlot(slots, round, pulses.get)
    if (starts === null) {
      undecided.add(round)
      return
    }
    undecided.delete(round)
    const closesMs = timeOf(beacon, round + slots.close)
    // One that began before this node followed was seen in part only: testimony on it would be wrong.
    const whole = timeOf(beacon, round) >= sinceMs - slots.maxSkewMs && nowMs() < closesMs
    if (!starts || !whole || started.has(round)) return
    started.add(round)
    listener.onSlot(round)
    for (let later = round + 1; later <= round + slots.open; later++) {
      const pulse = pulses.get(later)
      if (pulse !== undefined) listener.onPulse({ pulse, atMs: nowMs() })
    }
  }

  pulses.subscribe((heard) => {
    consider(heard.pulse.round)
    for (const round of undecided) consider(round)
    const oldest = roundAt(beacon, nowMs()) - slots.spacing
    for (const round of undecided) if (round < oldest) undecided.delete(round)
    for (const round of started) if (round < oldest - slots.end) started.delete(round)
    listener.onPulse(heard)
  }, signal)
}
