import { z } from 'zod'
import { cborCodec } from '../protocols/codec.ts'
import { integer, text } from '../protocols/fields.ts'
import { KiB } from '../units.ts'
import type { Core } from './core.ts'
import { type IdleSlot, mergedIdle, newestIdle } from './scoring/leased.ts'

/** What GPUs last showed when they were free, kept for longer than the testimony: a lease may outlive that. */
export interface IdleSlots {
  all(): ReadonlyMap<string, readonly IdleSlot[]>
  /**
   * Adds the idle slots of a window that begins with slot `from`, and keeps as many before it as a lease is measured
   * against, but none older than `oldest`.
   */
  keep(
    found: ReadonlyMap<string, readonly IdleSlot[]>,
    limits: { readonly from: number; readonly oldest: number },
  ): void
}

const count = integer(0, Number.MAX_SAFE_INTEGER)
/** Figures in millionths: the wire and the store know no fractions. */
const codec = cborCodec(
  z.looseObject({
    gpu: text(256),
    idle: z.array(z.object({ slot: count, units: count, gbps: count, tops: count })).max(256),
  }),
  16 * KiB,
)
const MILLION = 1e6
const scaled =
  (by: number) =>
  ({ slot, units, gbps, tops }: IdleSlot): IdleSlot => ({
    slot,
    units: by > 1 ? Math.round(units * by) : units * by,
    gbps: by > 1 ? Math.round(gbps * by) : gbps * by,
    tops: by > 1 ? Math.round(tops * by) : tops * by,
  })

/** Loads what was known when this node stopped. Writes go on behind the caller; the last of them is what stands. */
export async function createIdleSlots({
  store,
  log,
}: Pick<Core, 'store' | 'log'>): Promise<IdleSlots> {
  const bucket = store.bucket('idle-slots')
  const known = new Map<string, readonly IdleSlot[]>()
  for await (const [key, bytes] of bucket.iterator()) {
    try {
      const { gpu, idle } = codec.decode(bytes)
      known.set(gpu, idle.map(scaled(1 / MILLION)))
    } catch (error) {
      log.error('stored-idle-slots-unreadable', error, { key })
      await bucket.del(key)
    }
  }
  let queue: Promise<unknown> = Promise.resolve()

  function write(gpu: string, idle: readonly IdleSlot[]): void {
    const value = codec.encode({ gpu, idle: idle.map(scaled(MILLION)) })
    queue = queue
      .then(() => (idle.length === 0 ? bucket.del(gpu) : bucket.put(gpu, value)))
      .catch((error: unknown) => log.error('idle-slots-not-written', error, { gpu }))
  }

  return {
    all: () => known,
    keep(found, { from, oldest }) {
      for (const gpu of new Set([...known.keys(), ...found.keys()])) {
        const before = known.get(gpu) ?? []
        const all = mergedIdle(before, found.get(gpu) ?? []).filter(({ slot }) => slot >= oldest)
        const inWindow = all.filter(({ slot }) => slot >= from)
        const now = [
          ...newestIdle(
            all.filter(({ slot }) => slot < from),
            [],
          ),
          ...inWindow,
        ]
        if (now.at(-1)?.slot === before.at(-1)?.slot && now[0]?.slot === before[0]?.slot) continue
        if (now.length === 0) known.delete(gpu)
        else known.set(gpu, now)
        write(gpu, now)
      }
    },
  }
}
