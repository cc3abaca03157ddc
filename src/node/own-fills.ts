import { type BeaconInfo, roundAt, timeOf } from '../beacon.ts'
import { equalBytes } from '../bytes.ts'
import type { Announcement } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { epochOf, fillRoundOf, nextStart } from '../gpu/slot-schedule.ts'
import type { FillStandings, ProvingMode } from './device-modes.ts'

/** Which fills this node's devices hold: told by what fills them, asked by what announces them. */
export interface OwnFills extends FillStandings {
  /** A device holds the fill of the epoch that began at `round`, with the sizes and for the hotkey of `gpu`; making it took `ms`. */
  filled(gpu: Announcement, round: number, ms: number): void
  /** What a device holds is no fill (any more). */
  emptied(gpu: string): void
  /** Calls back after every change, until `signal` aborts. */
  onChange(listener: () => void, signal: AbortSignal): void
}

export interface OwnFillsNeeds {
  /** The beacon of slots; undefined where none run, so that nothing needs a fill. */
  readonly beacon: BeaconInfo | undefined
  readonly slots: SlotNetwork
  readonly nowMs: () => number
  /** A device as slots would name it in a mode; undefined for one that proves nothing. */
  readonly announcementOf: (gpu: string, mode: ProvingMode) => Announcement | undefined
}

export function createOwnFills(needs: OwnFillsNeeds): OwnFills {
  const { beacon, slots, nowMs, announcementOf } = needs
  const held = new Map<string, { readonly of: Announcement; readonly round: number }>()
  /** What the newest fill of a device with some sizes took, ms. */
  const took = new Map<string, number>()
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const roundNow = (): number => (beacon === undefined ? 0 : roundAt(beacon, nowMs()))
  const msOf = (round: number): number => (beacon === undefined ? 0 : timeOf(beacon, round))

  function holdsOf(gpu: string, mode: ProvingMode, round: number): boolean {
    const wanted = announcementOf(gpu, mode)
    const has = held.get(gpu)
    return wanted !== undefined && has?.round === round && isSameFill(has.of, wanted)
  }

  return {
    proves: (gpu) => beacon !== undefined && announcementOf(gpu, 'idle') !== undefined,
    holds: (gpu, mode) => holdsOf(gpu, mode, epochOf(slots, roundNow())),
    keeps(gpu, mode) {
      const round = fillRoundOf(slots, nextStart(slots, roundNow() + 1))!
      const sinceMs = nowMs() - msOf(round)
      if (sinceMs < 0 || holdsOf(gpu, mode, round)) return true
      const wanted = announcementOf(gpu, mode)
      return wanted !== undefined && hasTime(slots, sinceMs, took.get(sizesOf(wanted)) ?? 0)
    },
    nextSlotMs: () => msOf(nextStart(slots, roundNow() + 1)),
    isFillDue(fromMs) {
      if (beacon === undefined) return false
      const from = roundAt(beacon, fromMs)
      const first = nextStart(slots, timeOf(beacon, from) < fromMs ? from + 1 : from)
      return fillRoundOf(slots, first)! <= roundNow()
    },
    filled(of, round, ms) {
      took.set(sizesOf(of), ms)
      held.set(of.gpuId, { of, round })
      changed()
    },
    emptied(gpu) {
      if (held.delete(gpu)) changed()
    },
    onChange(listener, signal) {
      listeners.add(listener)
      signal.addEventListener('abort', () => listeners.delete(listener), { once: true })
    },
  }
}

/**
 * Whether a fill that is due since `sinceMs` may still be there for the epoch's first slot, when the one before took
 * `lastMs`. Who is too slow leaves the slots while validators can still hear of it: a notice before the first may start,
 * or, where there is less time than that, at once if the last fill says so. A withdrawal in the last moment would cross
 * the slot's pulse on its way, and cost more than a fill that comes late in the window.
 */
function hasTime(
  { epoch, roundMs, noticeMs }: SlotNetwork,
  sinceMs: number,
  lastMs: number,
): boolean {
  const allMs = epoch.fillRounds * roundMs
  return lastMs <= allMs && (allMs <= noticeMs || sinceMs < allMs - noticeMs)
}

const sizesOf = ({ gpuId, n, bytes }: Announcement): string => `${gpuId} ${n} ${bytes}`

const isSameFill = (a: Announcement, b: Announcement): boolean =>
  a.n === b.n && a.bytes === b.bytes && equalBytes(a.hotkey, b.hotkey)
