import { messageOf } from '../errors.ts'
import type { GpuDrivers } from '../gpu/drivers.ts'
import type { GpuSample } from '../gpu/telemetry.ts'
import type { Log } from '../log.ts'
import type { Bucket } from './store.ts'

/** Limits of power that the driver keeps where this user may set them. */
export interface PowerCaps {
  /** Sets, corrects or takes back the limit of every GPU; resolves with those whose driver keeps it. */
  apply(samples: readonly GpuSample[], maxPowerW: number | null): Promise<ReadonlySet<string>>
  /** Puts back what was in force before this node. */
  restore(): Promise<void>
}

interface Needs {
  readonly drivers: Pick<GpuDrivers, 'setPowerLimit'>
  /** Remembers what was in force before, for a node that is killed. */
  readonly bucket: Bucket
  readonly log: Log
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

export function createPowerCaps({ drivers, bucket, log }: Needs): PowerCaps {
  /** What was asked of which driver last, and whether it took it: a refusal is not repeated every round. */
  const asked = new Map<string, { readonly watts: number; readonly isKept: boolean }>()
  const seen = new Map<string, GpuSample['gpu']>()
  /** A node that was killed may have left its limit in force. */
  let isDirty = true

  async function set(gpu: GpuSample['gpu'], watts: number): Promise<boolean> {
    try {
      await drivers.setPowerLimit(gpu, watts)
      log.info('power-limit-set', { gpu: gpu.id, watts })
      return true
    } catch (error) {
      log.warn('power-limit-not-set', { gpu: gpu.id, watts, reason: messageOf(error) })
      return false
    }
  }

  async function cap({ gpu, figures }: GpuSample, watts: number): Promise<boolean> {
    const { powerLimitW } = figures
    const last = asked.get(gpu.id)
    const isBelow = powerLimitW !== null && powerLimitW <= watts + 1
    if (last?.watts === watts) {
      if (!last.isKept || isBelow || powerLimitW === null) return last.isKept
      // It rose again: a reset or a new driver forgot it.
    }
    const stored = Number(text(await bucket.get(gpu.id)))
    const before = stored || powerLimitW
    if (last === undefined && isBelow && before === powerLimitW) return true // somebody else's, and lower
    if (before !== null) await bucket.put(gpu.id, Buffer.from(String(before)))
    const isKept = await set(gpu, Math.min(watts, before ?? watts))
    if (!isKept && stored === 0) await bucket.del(gpu.id) // nothing changed, so there is nothing to put back
    asked.set(gpu.id, { watts, isKept })
    return isKept
  }

  async function restore(): Promise<void> {
    for (const gpu of seen.values()) {
      const before = Number(text(await bucket.get(gpu.id)))
      if (before > 0 && (await set(gpu, before))) await bucket.del(gpu.id)
    }
    asked.clear()
    isDirty = false
  }

  return {
    async apply(samples, maxPowerW) {
      for (const { gpu } of samples) if (gpu.mig === undefined) seen.set(gpu.id, gpu)
      if (maxPowerW === null) {
        if (isDirty) await restore()
        return new Set()
      }
      isDirty = true
      const kept = new Set<string>()
      for (const sample of samples) {
        const { gpu, state } = sample
        // A slice has no power of its own, and a CPU no driver to ask.
        if (state === 'lost' || gpu.mig !== undefined || gpu.vendor === 'cpu') continue
        if (await cap(sample, maxPowerW)) kept.add(gpu.id)
      }
      return kept
    },
    restore: async () => (isDirty ? restore() : undefined),
  }
}
