import { sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import type { Ending } from '../../protocols/receipts.ts'
import { MiB } from '../../units.ts'
import { type HostBook, type HostedNow, hostOf } from './host-book.ts'

/** Counting files is work for the engine: it rests this many times as long as the last count took. */
const REST = 20

/**
 * Measures what a lease wrote on the disk, now and then, where the storage itself does not hold it to its share.
 * Resolves with the ending once it has more; undefined when `signal` aborts, or where nothing needs to be measured. In
 * between a lease can exceed its share by what it writes in that time.
 */
export async function untilDiskExceeded(
  book: HostBook,
  now: HostedNow,
  signal: AbortSignal,
): Promise<Ending | undefined> {
  const { diskMiB } = now.terms
  const { engine } = hostOf(book, now.lease)
  if (diskMiB === undefined || engine instanceof NodeError) return undefined
  if (engine.isolation.diskQuota) return undefined
  let pauseMs = book.receiptEveryMs
  while (!signal.aborted) {
    try {
      await sleep(pauseMs, signal)
    } catch {
      return undefined // it closes, or the node stops
    }
    const startMs = performance.now()
    const usedMiB = await usedBy(book, now)
    now.diskUsedMiB = usedMiB ?? now.diskUsedMiB
    if (usedMiB !== undefined && usedMiB > diskMiB) return exceeded(usedMiB, diskMiB)
    pauseMs = Math.max(book.receiptEveryMs, REST * (performance.now() - startMs))
  }
  return undefined
}

/** An engine that does not answer says nothing of the lease: it is asked again. */
async function usedBy(book: HostBook, now: HostedNow): Promise<number | undefined> {
  try {
    const bytes = await now.container?.diskBytes()
    return bytes === undefined ? undefined : Math.ceil(bytes / MiB)
  } catch (error) {
    book.log.debug('lease-disk-unknown', { lease: now.id, code: codeOf(error) })
    return undefined
  }
}

/** Its renter's doing: what was served is owed. */
const exceeded = (usedMiB: number, diskMiB: number): Ending =>
  endingOf('disk-share', `${usedMiB} MiB of the ${diskMiB} MiB in its terms`)
