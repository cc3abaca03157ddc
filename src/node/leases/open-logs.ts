import { codeOf, NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { codeOfPeer, isRefusal } from '../../protocols/refusal.ts'
import { channels, controlToRenter, type SessionAsk } from '../../protocols/session.ts'
import { type LogPiece, readLogFrame } from '../../protocols/session-logs.ts'
import { secondsMs } from '../../units.ts'
import type { FoundLease } from './find-lease.ts'
import { openSession } from './open-session.ts'
import type { ShellNotices } from './open-shell.ts'
import type { RentBook } from './rent-book.ts'
import { reopen } from './reopen.ts'

type AskLogs = Extract<SessionAsk, { kind: 'logs' }>

/** A piece of a lease's log and the stream it was printed on. */
export interface ReadLog extends LogPiece {
  readonly stream: 'stdout' | 'stderr'
}

/**
 * The log of a lease. A connection that breaks is resumed after the last record that came, of each stream, by its
 * time and its place among those of the same time.
 * @throws as `openSession` before the first piece; PEER_LOST when the connection did not come back
 */
export async function openLogs(
  book: Pick<RentBook, 'rpc'>,
  lease: Pick<FoundLease, 'leaseId' | 'miner'>,
  ask: AskLogs,
  { signal, ...notices }: ShellNotices & { readonly signal: AbortSignal },
): Promise<AsyncIterable<ReadLog>> {
  const open = (request: AskLogs) => openSession(book, lease, request, signal)
  return readAll(await open(ask), ask, { open, signal, ...notices })
}

interface Reopening extends ShellNotices {
  readonly open: (request: AskLogs) => Promise<FrameChannel>
  readonly signal: AbortSignal
}

async function* readAll(
  first: FrameChannel,
  ask: AskLogs,
  { open, signal, ...notices }: Reopening,
): AsyncGenerator<ReadLog> {
  const place = createPlace(ask)
  let channel = first
  try {
    for (;;) {
      try {
        for await (const piece of pieces(channel)) {
          const fresh = place.fresh(piece)
          if (fresh.data.length > 0) yield fresh
        }
        return
      } catch (error) {
        if (codeOf(error) !== 'PEER_LOST' || isRefusal(error)) throw error
        notices.onLost()
        channel = await reopen(() => open(place.next()), { cause: error, signal })
        place.reopened()
        notices.onResumed()
      }
    }
  } finally {
    channel.abort(new NodeError('FAILED', 'the reader left')) // nothing when it has ended
  }
}

/** Until the miner says that this is all. */
async function* pieces(channel: FrameChannel): AsyncGenerator<ReadLog> {
  for await (const { channel: from, data } of channel.frames()) {
    if (from === channels.control) {
      const control = controlToRenter.decode(data)
      if (control.kind === 'failed') {
        throw new NodeError(codeOfPeer(control.code), control.message)
      }
      continue
    }
    yield { stream: from === channels.stderr ? 'stderr' : 'stdout', ...readLogFrame(data) }
  }
  await channel.end()
}

/** The engine stamps both streams, then writes them by turns: a record may lie this far behind a later one. */
const DISORDER_MS = secondsMs(10)

interface Cursor {
  /** The newest record's time; empty before the first. Within one stream they only rise. */
  at: string
  /** Records of that time that have begun, the newest too. */
  begun: number
  /** Bytes of the newest that have come. */
  came: number
  /** While it is read again: how many records of that time have come again. */
  replayed: number | undefined
  /** Bytes of the current record that are not fresh. */
  toDrop: number
}

const newCursor = (): Cursor => ({ at: '', begun: 0, came: 0, replayed: undefined, toDrop: 0 })

/** How far reading has come in either stream, so that it can go on over another connection. */
export function createPlace(ask: AskLogs) {
  const cursors = { stdout: newCursor(), stderr: newCursor() }
  /** The first record's time: what is older was not asked for. */
  let start = ''

  /** Whether a record that begins is the newest again, of which the rest may be missing. */
  const begin = (cursor: Cursor, at: string): boolean => {
    if (cursor.replayed !== undefined) {
      const isOld = at < start || at < cursor.at
      if (isOld || (at === cursor.at && cursor.replayed < cursor.begun)) {
        if (at === cursor.at) cursor.replayed += 1
        const isNewest = at === cursor.at && cursor.replayed === cursor.begun
        cursor.toDrop = isNewest ? cursor.came : Number.POSITIVE_INFINITY
        return isNewest
      }
      cursor.replayed = undefined
    }
    cursor.begun = at === cursor.at ? cursor.begun + 1 : 1
    cursor.at = at
    cursor.came = 0
    cursor.toDrop = 0
    return false
  }
  return {
    /** What of a piece has not come before. */
    fresh(piece: ReadLog): ReadLog {
      const cursor = cursors[piece.stream]
      if (start === '') start = piece.at ?? ''
      const isAgain = piece.at !== undefined && begin(cursor, piece.at)
      const dropped = Math.min(cursor.toDrop, piece.data.length)
      cursor.toDrop -= dropped
      cursor.came += piece.data.length - dropped
      return { ...piece, at: isAgain ? undefined : piece.at, data: piece.data.subarray(dropped) }
    },
    /** The request that goes on, early enough for both streams. */
    next(): AskLogs {
      const [older, newer] = [cursors.stdout.at, cursors.stderr.at].toSorted() as [string, string]
      if (newer === '') return ask
      const { tail: _, ...rest } = ask
      const early = new Date(Date.parse(newer) - DISORDER_MS).toISOString().replace('Z', '000000Z')
      return { ...rest, since: [older, early, start].toSorted().at(-1)! }
    },
    reopened(): void {
      for (const cursor of Object.values(cursors)) cursor.replayed = 0
    },
  }
}
