import type { Offer } from '../../protocols/offers.ts'
import { GiB, MiB } from '../../units.ts'

/** What one lease gets besides devices. */
export interface LeaseRoom {
  readonly memoryMiB: number
  readonly milliCpus: number
  /** What it may write on the disk; undefined: no limit. */
  readonly diskMiB?: number | undefined
}

/** What the leases of one machine share. */
export interface SharedMachine {
  readonly ramMiB: number
  readonly cpuCores: number
  readonly devices: number
}

/** What the machine's own programs keep: an eighth of its memory, at least this much, at most half of it. */
const KEPT_MIB = GiB / MiB
/** The least that terms can say (terms.ts). */
const LEAST_MILLI_CPUS = 100

/**
 * What a lease of `leased` of a machine's devices gets: for each an equal part of the cores, and of the memory that the
 * machine's own programs leave, so that leases on all devices at once fit. A memory that its owner set (`asked`, in
 * bytes) is that of every lease, never more than there is.
 */
export function leaseRoom(
  { ramMiB, cpuCores, devices }: SharedMachine,
  leased: number,
  asked: number | undefined,
): Pick<LeaseRoom, 'memoryMiB' | 'milliCpus'> {
  const share = (whole: number): number =>
    Math.floor((whole * Math.min(leased, devices || 1)) / Math.max(1, devices))
  const kept = Math.min(ramMiB / 2, Math.max(ramMiB / 8, KEPT_MIB))
  return {
    memoryMiB:
      asked === undefined ? share(ramMiB - kept) : Math.min(ramMiB, Math.floor(asked / MiB)),
    milliCpus: Math.max(LEAST_MILLI_CPUS, share(cpuCores * 1000)),
  }
}

/** A host as an offer tells of it: with what a lease of the whole offer gets of its cores, memory and disk. */
export function hostWith(host: Offer['host'], room: LeaseRoom): Offer['host'] {
  const { memoryMiB, milliCpus, diskMiB = host.diskMiB } = room
  const cpuCores = Math.floor(milliCpus / 1000)
  const isWhole = milliCpus % 1000 === 0
  return { ...host, cpuCores, ...(isWhole ? {} : { milliCpus }), ramMiB: memoryMiB, diskMiB }
}
