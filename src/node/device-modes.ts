import { ALWAYS_IDLE, changedMode, type ModeSince, type ProofMode } from '../gpu/proof-mode.ts'
import type { Terms } from '../protocols/terms.ts'
import type { HostedNow } from './leases/host-book.ts'

/** In which mode this machine's devices prove, as it announces them. */
export interface DeviceModes {
  /** What is to be announced of a device now: its mode follows its leases, each change with the network's notice. */
  of(gpu: string): ModeSince
}

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

export interface DeviceModesNeeds {
  readonly wanted: (gpu: string) => ProofMode
  /** What was announced before this node started: a restart is no change of mode. */
  readonly announced: (gpu: string) => ModeSince | undefined
  readonly noticeMs: number
  readonly nowMs: () => number
}

export function createDeviceModes(needs: DeviceModesNeeds): DeviceModes {
  const { wanted, announced, noticeMs, nowMs } = needs
  const standing = new Map<string, ModeSince>()
  return {
    of(gpu) {
      const before = standing.get(gpu) ?? announced(gpu) ?? ALWAYS_IDLE
      const now = changedMode(before, wanted(gpu), nowMs(), noticeMs)
      standing.set(gpu, now)
      return now
    },
  }
}
