import type { LeaseUsage } from '../../api/lease-usage.ts'
import { codeOf, NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { channels } from '../../protocols/session.ts'
import { type UsageSample, usageSample } from '../../protocols/session-usage.ts'
import { MiB } from '../../units.ts'
import type { FoundLease } from './find-lease.ts'
import { openSession } from './open-session.ts'
import type { RentBook } from './rent-book.ts'
import { reopen } from './reopen.ts'

/**
 * What a lease uses, about once a second until `signal` aborts. A connection that breaks is made anew: samples are
 * missing then, and nothing else.
 * @throws as `openSession` before the first sample; FAILED_LEASE_ENDED when the lease has ended; PEER_LOST when the
 * connection did not come back
 */
export async function openUsage(
  book: Pick<RentBook, 'rpc'>,
  lease: Pick<FoundLease, 'leaseId' | 'miner'>,
  { signal, everyMs }: { readonly signal: AbortSignal; readonly everyMs?: number | undefined },
): Promise<AsyncIterable<LeaseUsage>> {
  const request = { kind: 'usage' as const, ...(everyMs === undefined ? {} : { everyMs }) }
  const open = () => openSession(book, lease, request, signal)
  return readAll(await open(), open, signal)
}

async function* readAll(
  first: FrameChannel,
  open: () => Promise<FrameChannel>,
  signal: AbortSignal,
): AsyncGenerator<LeaseUsage> {
  let channel = first
  let before: UsageSample | undefined
  try {
    for (;;) {
      try {
        for await (const { channel: from, data } of channel.frames()) {
          if (from !== channels.stdout) continue // of a later version
          const sample = usageSample.decode(data)
          yield viewOf(sample, before)
          before = sample
        }
        return
      } catch (error) {
        if (codeOf(error) !== 'PEER_LOST' || isRefusal(error)) throw error
        channel = await reopen(open, { cause: error, signal })
      }
    }
  } finally {
    channel.abort(new NodeError('FAILED', 'the reader left')) // nothing when it has ended
  }
}

const inMiB = (bytes: number | null): number | null =>
  bytes === null ? null : Math.round((bytes / MiB) * 10) / 10

/** A sample as people read it: the load is what was used since the one before. */
export function viewOf(sample: UsageSample, before: UsageSample | undefined): LeaseUsage {
  const { atMs, milliCpus, memoryBytes, memoryLimitMiB, rxBytes, txBytes } = sample
  const { diskMiB, diskLimitMiB, processes, gpus } = sample
  return {
    atMs,
    cpuPercent: cpuPercent(sample, before),
    cores: milliCpus / 1000,
    memoryMiB: inMiB(memoryBytes),
    memoryLimitMiB,
    rxBytes,
    txBytes,
    diskMiB,
    diskLimitMiB,
    pids: processes,
    gpus: gpus.map(({ id, loadPercent, memoryMiB, temperatureC, milliWatts }) => ({
      ...{ id, loadPercent, memoryMiB, temperatureC },
      powerW: milliWatts === null ? null : milliWatts / 1000,
    })),
  }
}

function cpuPercent(now: UsageSample, before: UsageSample | undefined): number | null {
  if (before === undefined || now.cpuMs === null || before.cpuMs === null) return null
  const passedMs = now.atMs - before.atMs
  const usedMs = now.cpuMs - before.cpuMs
  // A container that was started anew counts from 0 again; a clock may have been set.
  if (passedMs <= 0 || usedMs < 0) return null
  return Math.round((usedMs / passedMs) * 1000) / 10
}
