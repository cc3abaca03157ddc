import { type BeaconInfo, type Pulse, timeOf } from '../beacon.ts'
import { concat, sha256, utf8 } from '../bytes.ts'
import { paceIn } from './leased-proofs.ts'
import type { ProofMode } from './proof-mode.ts'
import { type AnyWork, allWorks, type SlotNetwork } from './slot-network.ts'

const SLOT = utf8('slot')
const RANGE = 2n ** 64n

/** The round that seeds the fill of the epoch a round lies in; below 1 before the beacon's first. */
export const epochOf = ({ epoch }: SlotNetwork, round: number): number =>
  Math.floor((round - epoch.offset) / epoch.rounds) * epoch.rounds + epoch.offset

/**
 * The round whose pulse seeds the fill that a slot's passes go over; null where no slot may start: in the time to fill,
 * when the slot's last opening could come after the epoch's end (the fill is gone then), and before the first epoch.
 */
export function fillRoundOf(net: SlotNetwork, slot: number): number | null {
  const fill = epochOf(net, slot)
  const isFilling = slot < fill + net.epoch.fillRounds
  const outlasts = slot + net.end > fill + net.epoch.rounds
  return fill < 1 || isFilling || outlasts ? null : fill
}

/** Whether a slot may start at a round, whatever its pulse says. */
export const mayStart = (net: SlotNetwork, round: number): boolean =>
  round % net.stride === 0 && fillRoundOf(net, round) !== null

/** The first round from `round` on at which a slot may start. */
export function nextStart(net: SlotNetwork, round: number): number {
  let next = round
  while (!mayStart(net, next)) next++ // every epoch has one, so it ends
  return next
}

/** Whether a pulse alone would start a slot; spacing is not looked at. */
export function hits(net: SlotNetwork, pulse: Pick<Pulse, 'round' | 'randomness'>): boolean {
  if (!mayStart(net, pulse.round)) return false
  if (net.denominator === 1) return true
  const draw = new DataView(sha256(concat([SLOT, pulse.randomness])).buffer).getBigUint64(0)
  return draw < RANGE / BigInt(net.denominator)
}

/**
 * Whether a round starts a slot: its pulse hits and none of the previous spacing − 1 rounds hit ("hit", not "was a
 * slot", so no older history is needed). Null when a pulse that matters is missing: fetch it, do not guess.
 */
export function startsSlot(
  net: SlotNetwork,
  round: number,
  pulseOf: (round: number) => Pulse | undefined,
): boolean | null {
  const pulse = pulseOf(round)
  if (pulse === undefined) return mayStart(net, round) ? null : false
  if (!hits(net, pulse)) return false
  for (const earlier of roundsBefore(net, round)) {
    const before = pulseOf(earlier)
    if (before === undefined) return null
    if (hits(net, before)) return false
  }
  return true
}

/**
 * The next round that may start a slot, for whoever must be ready for it: one of the last rounds whose pulse is still on
 * its way, or the first after now. A round that began is not over: what it asks for is known only when its pulse comes.
 */
export function nextOpenStart(
  net: SlotNetwork,
  now: number,
  pulseOf: (round: number) => Pulse | undefined,
): number {
  for (let round = Math.max(1, now - net.close + 1); round <= now; round++) {
    if (mayStart(net, round) && startsSlot(net, round, pulseOf) === null) return round
  }
  return nextStart(net, now + 1)
}

/** The earlier rounds whose pulses decide whether `round` may start a slot. */
export function roundsBefore(net: SlotNetwork, round: number): number[] {
  const first = Math.max(1, round - net.spacing + 1)
  const rounds = Array.from({ length: round - first }, (_, i) => first + i)
  return rounds.filter((earlier) => mayStart(net, earlier))
}

/** Whether a round's pulse can matter to any slot; others need not be verified or carried. */
export function needsPulse(net: SlotNetwork, round: number): boolean {
  if (round === epochOf(net, round)) return true
  const offsets = [0, ...allWorks.map((work) => net.starts[work]), net.open]
  return offsets.some((offset) => (round - offset) % net.stride === 0)
}

/** When one kind of work of a device in a mode counts: from its pulse's scheduled time to the end of its window, unix ms. */
export function windowOf(
  net: SlotNetwork,
  beacon: BeaconInfo,
  slot: number,
  work: AnyWork,
  mode: ProofMode = 'idle',
): { readonly fromMs: number; readonly untilMs: number } {
  const fromMs = timeOf(beacon, slot + net.starts[work])
  const windowMs = work === 'locality' ? net.windowMs.locality : paceIn(net, mode).windowMs[work]
  return { fromMs, untilMs: fromMs + windowMs }
}
