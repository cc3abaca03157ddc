import { z } from 'zod'
import type { NowMs } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { cborCodec, type Message } from '../protocols/codec.ts'
import { bytesUpTo, text, timeMs } from '../protocols/fields.ts'
import { SYNC_CURSOR_BYTES } from '../protocols/sync.ts'
import { hoursMs } from '../units.ts'
import type { Store } from './store.ts'

/** How long a peer's word is taken for where its news begin; then it is asked from the beginning again. */
const BELIEVED_MS = hoursMs(1)
/** Peers times books; the oldest go first. */
const KEPT = 512

const codec = cborCodec(
  z.looseObject({
    cursor: bytesUpTo(SYNC_CURSOR_BYTES),
    /** When it was last asked from the beginning. */
    beganAtMs: timeMs(),
    /** What decided then which records could be taken. */
    judgement: text(64),
  }),
  512,
)
type Place = Message<typeof codec>

/** How far this node has read each book of each peer, kept across restarts as the books are. */
export interface SyncCursors {
  /** Where to go on; undefined: at the beginning, which is also where a new judgement or an old place leads. */
  of(peer: string, topic: string, judgement: string): Uint8Array | undefined
  /** Keeps where a visit has come to; undefined: nowhere, it begins anew the next time. */
  reached(
    peer: string,
    topic: string,
    judgement: string,
    cursor: Uint8Array | undefined,
  ): Promise<void>
}

/** Loads the places of a run before this one. */
export async function createSyncCursors({
  store,
  nowMs,
  log,
}: {
  readonly store: Store
  readonly nowMs: NowMs
  readonly log: Log
}): Promise<SyncCursors> {
  const bucket = store.bucket('sync-cursors')
  const places = new Map<string, Place>()
  for await (const [key, bytes] of bucket.iterator()) {
    try {
      places.set(key, codec.decode(bytes))
    } catch (error) {
      log.error('stored-cursor-unreadable', messageOf(error), { key })
      await bucket.del(key)
    }
  }
  const keyOf = (peer: string, topic: string): string => `${peer}/${topic}`
  const standing = (key: string, judgement: string): Place | undefined => {
    const place = places.get(key)
    return place !== undefined && isBelieved(place, judgement, nowMs()) ? place : undefined
  }
  async function forget(key: string): Promise<void> {
    if (places.delete(key)) await bucket.del(key)
  }

  return {
    of: (peer, topic, judgement) => standing(keyOf(peer, topic), judgement)?.cursor,
    async reached(peer, topic, judgement, cursor) {
      const key = keyOf(peer, topic)
      const before = standing(key, judgement)
      if (cursor === undefined) return forget(key)
      if (before !== undefined && Buffer.compare(before.cursor, cursor) === 0) return
      const beganAtMs = before?.beganAtMs ?? nowMs()
      places.delete(key)
      places.set(key, { cursor, beganAtMs, judgement })
      await bucket.put(key, codec.encode({ cursor, beganAtMs, judgement }))
      if (places.size > KEPT) await forget(places.keys().next().value!)
    },
  }
}

const isBelieved = ({ beganAtMs, judgement }: Place, now: string, nowMs: number): boolean =>
  judgement === now && beganAtMs <= nowMs && nowMs < beganAtMs + BELIEVED_MS
