import type { GpuDrivers, MachineReading } from '../gpu/drivers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { LimitName } from '../gpu/limits.ts'
import { firstLook, type GpuSample } from '../gpu/telemetry.ts'
import type { Bar } from './leases/capacity.ts'
import type { OwnLimits } from './own-limits.ts'

/** Where one device stands: what its driver says, and whether its owner's limits let it work. */
export interface GpuStanding {
  readonly sample: GpuSample
  /** Why it is paused; null when it is not. */
  readonly paused: string | null
  /** Whether its driver keeps its power below the limit. */
  readonly isPowerCapped: boolean
  /** Limits that cannot be kept, for nobody measures here what they limit. */
  readonly unmeasured: readonly LimitName[]
}

/** The devices of this node: who is asked about them, how far they may be used, and where they stand. */
export interface OwnGpus {
  readonly drivers: GpuDrivers
  /** What was detected at the start; what is found later comes with `standings`. */
  readonly first: MachineReading
  readonly limits: OwnLimits
  /** After the newest reading. */
  standings(): readonly GpuStanding[]
  post(standings: readonly GpuStanding[]): void
  /** Takes a device in that came after the start: it is checked, then announced and offered like all others. */
  takeIn(gpu: Gpu): void
}

/** As they were detected. */
export function createOwnGpus({
  drivers,
  first,
  limits,
  takeIn,
  atMs,
}: Pick<OwnGpus, 'drivers' | 'first' | 'limits' | 'takeIn'> & {
  readonly atMs: number
}): OwnGpus {
  let standings: readonly GpuStanding[] = firstLook(first, atMs).samples.map(unjudged)
  return {
    drivers,
    first,
    limits,
    takeIn,
    standings: () => standings,
    post(next) {
      standings = next
    },
  }
}

/** What a sample says where nobody set limits. */
export const unjudged = (sample: GpuSample): GpuStanding => ({
  sample,
  paused: null,
  isPowerCapped: false,
  unmeasured: [],
})

/** What keeps a device from new work: a GPU that is gone is more than one that is paused. */
export function barFor({
  sample,
  paused,
}: Pick<GpuStanding, 'sample' | 'paused'>): Bar | undefined {
  if (sample.state === 'lost') return { kind: 'lost', reason: sample.reason ?? 'unknown' }
  return paused === null ? undefined : { kind: 'paused', reason: paused }
}
