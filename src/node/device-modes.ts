import {
  ALWAYS_IDLE,
  changedMode,
  type ModeSince,
  modeAt,
  NOT_YET,
  type ProofMode,
  provesIn,
} from '../gpu/proof-mode.ts'
import type { Terms } from '../protocols/terms.ts'
import type { HostedNow } from './leases/host-book.ts'

/** In which mode this machine's devices prove, as it announces them. */
export interface DeviceModes {
  /**
   * What is to be announced of a device now: its mode follows its leases and what it holds, each change with the
   * network's notice. Undefined for one that is not announced: it does not hold the fill that slots would ask it for.
   */
  of(gpu: string): ModeSince | undefined
  /** In which mode a device is to be filled for slots from `slotMs` on; undefined for one that shows nothing then. */
  fillOf(gpu: string, slotMs: number): ProvingMode | undefined
  /** A device was taken out of the record for another reason: when it is back, it counts from its notice on. */
  left(gpu: string): void
}

export type ProvingMode = 'idle' | 'leased'

/**
 * The mode that a lease puts its devices into, from the agreement to the end of its container; a mere quote changes
 * nothing, for nobody has signed it.
 */
export const modeOfLease = ({ exclusive }: Pick<Terms, 'exclusive'>): ProofMode =>
  exclusive === true ? 'exclusive' : 'leased'

/** The mode a device should be in by the leases there are. */
export function wantedMode(
  live: Iterable<Pick<HostedNow, 'id' | 'lease' | 'terms'>>,
  holds: (leaseId: string) => boolean,
  gpu: string,
): ProofMode {
  for (const { id, lease, terms } of live) {
    if (lease.state === 'QUOTED' || !terms.devices.includes(gpu) || !holds(id)) continue
    return modeOfLease(terms)
  }
  return 'idle'
}

/** What devices hold for slots, as far as their modes depend on it. */
export interface FillStandings {
  /** Whether slots run here and something proves the device: all others need no fill. */
  proves(gpu: string): boolean
  /** Whether it holds the running epoch's fill with the sizes of a mode. */
  holds(gpu: string, mode: ProvingMode): boolean
  /** Whether it may be expected in the next slot that may start: it holds what that asks for, or can still be filled in time. */
  keeps(gpu: string, mode: ProvingMode): boolean
  /** Scheduled time of the next slot that may start, unix ms. */
  nextSlotMs(): number
  /** Whether the first slot from `fromMs` on goes over a fill that is due already: another mode needs one of its own. */
  isFillDue(fromMs: number): boolean
}

export interface DeviceModesNeeds {
  readonly wanted: (gpu: string) => ProofMode
  readonly fills: FillStandings
  /** How long before it counts a change is announced, and a device that was not announced before. */
  readonly noticeMs: number
  readonly entryMs: number
  readonly nowMs: () => number
}

export function createDeviceModes({
  wanted,
  fills,
  noticeMs,
  entryMs,
  nowMs,
}: DeviceModesNeeds): DeviceModes {
  const standing = new Map<string, ModeSince>()

  /** The mode in which a device is expected in the next slot, or will be soon; undefined for neither. */
  function dueMode(since: ModeSince, slotMs: number): ProvingMode | undefined {
    const next = modeAt(since, slotMs)
    if (provesIn(next)) return next
    return nowMs() < since.fromMs && provesIn(since.mode) ? since.mode : undefined
  }

  /** What stands next of a device that something proves; undefined when it is to be announced no more, or not yet. */
  function nextOf(gpu: string, since: ModeSince, target: ProofMode): ModeSince | undefined {
    const due = dueMode(since, fills.nextSlotMs())
    if (due !== undefined && !fills.keeps(gpu, due)) return undefined
    if (since.mode === target) return since
    const now = nowMs()
    const isReady = !provesIn(target) || fills.holds(gpu, target)
    if (since === NOT_YET) return isReady ? changedMode(since, target, now, entryMs) : undefined
    if (!provesIn(since.mode)) return isReady ? changedMode(since, target, now, noticeMs) : since
    // Its memory is filled again only when slots stop asking for what it holds: until that is done none may count.
    const needsFill = provesIn(target) && fills.isFillDue(now + noticeMs)
    return changedMode(since, needsFill ? 'filling' : target, now, noticeMs)
  }

  return {
    of(gpu) {
      const target = wanted(gpu)
      const since = standing.get(gpu)
      const next = fills.proves(gpu)
        ? nextOf(gpu, since ?? NOT_YET, target)
        : changedMode(since ?? ALWAYS_IDLE, target, nowMs(), noticeMs)
      if (next === undefined) standing.delete(gpu)
      else standing.set(gpu, next)
      return next
    },
    fillOf(gpu, slotMs) {
      const due = dueMode(standing.get(gpu) ?? NOT_YET, slotMs)
      if (due !== undefined) return due
      const target = wanted(gpu)
      return provesIn(target) ? target : undefined
    },
    left: (gpu) => void standing.delete(gpu),
  }
}
