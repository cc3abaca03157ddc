import { z } from 'zod'
import { KiB, secondsMs } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytesUpTo, integer } from './fields.ts'
import { defineProtocol } from './protocol.ts'

/** The most record bytes in one page. */
export const SYNC_PAGE_BYTES = 512 * KiB
export const SYNC_CURSOR_BYTES = 128

const request = z.looseObject({
  /** A topic's name, e.g. `offers`; a topic not known here gets an empty, last page. */
  topic: z.string().regex(/^[a-z]{1,32}$/),
  /** Where the last page ended (its `next` or `resume`), as its sender wrote it; meaningless to anyone else. */
  cursor: bytesUpTo(SYNC_CURSOR_BYTES).optional(),
  maxBytes: integer(1, SYNC_PAGE_BYTES),
})

const page = z.looseObject({
  /** Signed records as they travelled, tombstones among them. */
  records: z.array(bytesUpTo(64 * KiB)).max(4096),
  /** Absent on the last page. */
  next: bytesUpTo(SYNC_CURSOR_BYTES).optional(),
  /** On the last page: where a later visit may go on, to be told only what came since. Absent when nothing is known. */
  resume: bytesUpTo(SYNC_CURSOR_BYTES).optional(),
})

export type SyncRequest = Message<typeof sync.request>
export type SyncPage = Message<typeof sync.response>

/** What gossip already carried, for those who came later: pages of records that are judged like gossip. */
export const sync = defineProtocol({
  name: 'sync',
  request: cborCodec(request, 1 * KiB),
  response: cborCodec(page, SYNC_PAGE_BYTES + 32 * KiB),
  limits: {
    requestBytes: 1 * KiB,
    responseBytes: SYNC_PAGE_BYTES + 32 * KiB,
    timeoutMs: secondsMs(30),
    perPeerPerMinute: 120,
  },
})

/** Records of one topic with a position each, in order, from after a position; one not its own is the beginning. */
export type SyncSource = (
  after: string | undefined,
) => AsyncIterable<readonly [position: string, record: Uint8Array]>

/** One page out of a source: as many records as fit, and where to go on. */
export async function syncPage(source: SyncSource, asked: SyncRequest): Promise<SyncPage> {
  const records: Uint8Array[] = []
  let size = 0
  const after = asked.cursor === undefined ? undefined : Buffer.from(asked.cursor).toString()
  let last = asked.cursor
  for await (const [position, record] of source(after)) {
    // One record always fits: a page without any would never end.
    const full = records.length > 0 && size + record.length > asked.maxBytes
    if (full || records.length === 4096) return { records, next: last! }
    records.push(record)
    size += record.length
    last = Buffer.from(position)
  }
  return { records, ...(last === undefined ? {} : { resume: last }) }
}
