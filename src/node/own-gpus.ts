import type { GpuDrivers, MachineReading } from '../gpu/drivers.ts'
import { firstLook, type GpuSample } from '../gpu/telemetry.ts'
import type { Bar } from './leases/capacity.ts'

/** Where one device stands: what its driver says, and whether its owner's limits let it work. */
export interface GpuStanding {
  readonly sample: GpuSample
  /** Why it is paused; null when it is not. */
  readonly paused: string | null
}

/** The devices of this node: who is asked about them, and where they stand. */
export interface OwnGpus {
  readonly drivers: GpuDrivers
  /** What was detected at the start; what is found later is told of, and offered after the next start. */
  readonly first: MachineReading
  /** After the newest reading. */
  standings(): readonly GpuStanding[]
  post(standings: readonly GpuStanding[]): void
}

/** As they were detected. */
export function createOwnGpus(drivers: GpuDrivers, first: MachineReading, atMs: number): OwnGpus {
  let standings: readonly GpuStanding[] = firstLook(first, atMs).samples.map((sample) => ({
    sample,
    paused: null,
  }))
  return {
    drivers,
    first,
    standings: () => standings,
    post(next) {
      standings = next
    },
  }
}

/** What keeps a device from new work: a GPU that is gone is more than one that is paused. */
export function barFor({ sample, paused }: GpuStanding): Bar | undefined {
  if (sample.state === 'lost') return { kind: 'lost', reason: sample.reason ?? 'unknown' }
  return paused === null ? undefined : { kind: 'paused', reason: paused }
}
