import { z } from 'zod'
import { KiB, minutesMs, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, text, timeMs } from './fields.ts'

/** How often a sample comes where nothing else is asked for, and the least that may be asked for. */
export const USAGE_EVERY_MS = secondsMs(1)

/**
 * What a lease's container uses, a sample now and then until the renter leaves or the lease ends. Each is one frame on
 * the channel of stdout; the renter says nothing.
 */
export const usageRequest = z.looseObject({
  leaseId: bytes(32),
  kind: z.literal('usage'),
  /** From one sample to the next; a second when absent. */
  everyMs: integer(USAGE_EVERY_MS, minutesMs(1)).optional(),
})

const count = () => integer(0, Number.MAX_SAFE_INTEGER)
/** Null where nobody knows: the engine does not answer, or does not tell. */
const known = () => count().nullable()

/** A device of the lease, of those that its miner measures; all that works on it, the miner's proofs too. */
const gpuUsage = z.looseObject({
  id: text(64),
  loadPercent: integer(0, 100).nullable(),
  memoryMiB: known(),
  temperatureC: integer(-273, 10_000).nullable(),
  milliWatts: known(),
})

const sample = z.looseObject({
  /** When it was measured, by the miner's clock or its engine's. */
  atMs: timeMs(),
  /** CPU time since the container's start, all processes and cores together. */
  cpuMs: known(),
  milliCpus: count(),
  /** Without cache that can be dropped at once. */
  memoryBytes: known(),
  memoryLimitMiB: count(),
  /** Since the container's start, all of its network together. */
  rxBytes: known(),
  txBytes: known(),
  /** As it was measured last, about once a minute. */
  diskMiB: known(),
  diskLimitMiB: known(),
  processes: known(),
  gpus: z.array(gpuUsage).max(32),
})

/** Such frames arrive whole. */
const MAX_SAMPLE_BYTES = 16 * KiB

export const usageSample = cborCodec(sample, MAX_SAMPLE_BYTES)
export type UsageSample = Message<typeof usageSample>
