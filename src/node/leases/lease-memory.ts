import { GiB, MiB } from '../../units.ts'

/** What the machine's own programs keep: an eighth of its memory, at least this much, at most half of it. */
const KEPT_MIB = GiB / MiB

/**
 * The main memory that one lease gets, in MiB: what its owner said, never more than there is; otherwise an equal part
 * for each device, of what the machine's own programs leave. Leases on all devices at once then fit.
 */
export function leaseMemoryMiB(
  askedBytes: number | undefined,
  machine: { readonly ramMiB: number; readonly devices: number },
): number {
  const { ramMiB, devices } = machine
  if (askedBytes !== undefined) return Math.min(ramMiB, Math.floor(askedBytes / MiB))
  const kept = Math.min(ramMiB / 2, Math.max(ramMiB / 8, KEPT_MIB))
  return Math.floor((ramMiB - kept) / Math.max(1, devices))
}
