import type { KeptUsage, LeaseUsage } from '../../api/lease-usage.ts'
import { codeOf } from '../../errors.ts'
import { minutesMs } from '../../units.ts'
import type { FoundLease } from './find-lease.ts'
import { openUsage } from './open-usage.ts'
import type { RentBook } from './rent-book.ts'

/** How far back it is kept, and how long a lease is watched after its last reader left. */
export const KEPT_MS = minutesMs(10)
/** Leases that are watched although nobody reads; the one that was left first makes room. */
const MAX_LEFT = 16
/** What may wait for one slow reader: the newest. */
const MAX_WAITING = 64

/** What a reader gets: first what is kept, then each sample as it comes. */
export type UsageNews =
  | { readonly event: 'kept'; readonly data: KeptUsage }
  | { readonly event: 'usage'; readonly data: LeaseUsage }

/** Watches leases for readers that come and go, such as a page that is hidden for a while: they miss nothing. */
export interface UsageKeeper extends Disposable {
  /** Until `signal` aborts. @throws as `openUsage` */
  open(lease: FoundLease, signal: AbortSignal): Promise<AsyncIterable<UsageNews>>
}

interface Watch {
  readonly kept: { readonly atMs: number; readonly usage: LeaseUsage }[]
  readonly readers: Set<Reader>
  readonly life: AbortController
  /** The first sample can be waited for; rejects where there is none. */
  readonly opened: Promise<unknown>
  timer?: NodeJS.Timeout
}

/** For one control server; disposing ends every watch. */
export function createUsageKeeper(book: Pick<RentBook, 'rpc' | 'nowMs'>): UsageKeeper {
  const watches = new Map<string, Watch>()

  const end = (id: string, watch: Watch, error?: unknown): void => {
    if (watches.get(id) === watch) watches.delete(id)
    clearTimeout(watch.timer)
    watch.life.abort()
    for (const reader of watch.readers) reader.end(error)
  }

  const start = (lease: FoundLease, earlier: Watch['kept']): Watch => {
    const life = new AbortController()
    const opened = openUsage(book, lease, { signal: life.signal })
    const watch: Watch = { kept: earlier, readers: new Set(), life, opened }
    const run = async (): Promise<void> => {
      for await (const usage of await opened) {
        const atMs = book.nowMs()
        watch.kept.push({ atMs, usage })
        while ((watch.kept[0]?.atMs ?? atMs) < atMs - KEPT_MS) watch.kept.shift()
        for (const reader of watch.readers) reader.tell(usage)
      }
    }
    run().then(
      () => end(lease.id, watch),
      (error: unknown) => {
        const isOver = codeOf(error) === 'FAILED_LEASE_ENDED'
        end(lease.id, watch, error)
        // A miner that is away for a while: whoever asks again gets what was seen before.
        if (!isOver && watch.kept.length > 0 && !disposed) remember(lease.id, watch.kept)
      },
    )
    watches.set(lease.id, watch)
    return watch
  }

  const earlier = new Map<string, Watch['kept']>()
  let disposed = false
  const remember = (id: string, kept: Watch['kept']): void => {
    earlier.delete(id)
    earlier.set(id, kept)
    if (earlier.size > MAX_LEFT) earlier.delete(earlier.keys().next().value!)
  }

  const leave = (id: string, watch: Watch, reader: Reader): void => {
    watch.readers.delete(reader)
    if (watch.readers.size > 0 || watches.get(id) !== watch) return
    watch.timer = setTimeout(() => end(id, watch), KEPT_MS).unref()
    // Behind all others: of those that nobody reads the one that was left first ends.
    watches.delete(id)
    watches.set(id, watch)
    const left = [...watches].filter(([, one]) => one.readers.size === 0)
    for (const [name, one] of left.slice(0, Math.max(0, left.length - MAX_LEFT))) end(name, one)
  }

  return {
    async open(lease, signal) {
      const watch = watches.get(lease.id) ?? start(lease, earlier.get(lease.id) ?? [])
      earlier.delete(lease.id)
      clearTimeout(watch.timer)
      const reader = new Reader()
      watch.readers.add(reader)
      const gone = (): void => {
        leave(lease.id, watch, reader)
        reader.end()
      }
      if (signal.aborted) gone()
      signal.addEventListener('abort', gone, { once: true })
      await watch.opened
      const kept = { nowMs: book.nowMs(), items: [...watch.kept] }
      reader.clear() // all of it is kept
      return withKept(kept, reader)
    },
    [Symbol.dispose]() {
      disposed = true
      for (const [id, watch] of watches) end(id, watch)
    },
  }
}

async function* withKept(kept: KeptUsage, reader: Reader): AsyncGenerator<UsageNews> {
  yield { event: 'kept', data: kept }
  for await (const data of reader.all()) yield { event: 'usage', data }
}

/** Samples on their way to one reader. */
class Reader {
  readonly #waiting: LeaseUsage[] = []
  #isOver = false
  #error: unknown
  #wake = Promise.withResolvers<void>()

  tell(usage: LeaseUsage): void {
    this.#waiting.push(usage)
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
    this.#wake.resolve()
  }

  clear(): void {
    this.#waiting.length = 0
  }

  end(error?: unknown): void {
    this.#isOver = true
    this.#error ??= error
    this.#wake.resolve()
  }

  async *all(): AsyncGenerator<LeaseUsage> {
    for (;;) {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        yield next
      }
      if (this.#isOver) {
        if (this.#error !== undefined) throw this.#error
        return
      }
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
    }
  }
}
