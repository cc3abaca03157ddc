import { memoryOf, sizesIn } from '../gpu/leased-proofs.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type { Device } from '../protocols/capability.ts'
import { MiB } from '../units.ts'

type Sized = Pick<Device, 'vramMiB' | 'proofN' | 'proofBytes'>

/** What a device proves with beside a tenant; undefined for one that announces no proofs. */
export function leasedSizesOf({ proofN, proofBytes }: Omit<Sized, 'vramMiB'>, slots: SlotNetwork) {
  if (proofN === undefined || proofBytes === undefined) return undefined
  return sizesIn('leased', slots, { n: proofN, bytes: proofBytes })
}

/**
 * Memory of a device that a tenant gets: all of it but what proofs beside the tenant hold (gpu-protocol §9); 0 where not
 * even they fit. A processor's memory is the machine's.
 */
export function tenantMiB(device: Sized, slots: SlotNetwork): number {
  const sizes = leasedSizesOf(device, slots)
  if (sizes === undefined || device.vramMiB === 0) return device.vramMiB
  return Math.max(0, device.vramMiB - Math.ceil(memoryOf(sizes) / MiB))
}

/** Whether a device has no memory left for a tenant beside the smallest proofs of its network. */
export const isTooSmall = (device: Sized, slots: SlotNetwork): boolean =>
  device.vramMiB > 0 && tenantMiB(device, slots) === 0
