import { sleep } from '../../clock.ts'
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

/** How long a connection that broke is tried for. */
const PATIENCE_MS = secondsMs(60)
const PAUSES_MS = [50, 250, 500, 1000, 2000]

type AskLogs = Extract<SessionAsk, { kind: 'logs' }>

/** A piece of a lease's log and the stream it was printed on. */
export interface ReadLog extends LogPiece {
  readonly stream: 'stdout' | 'stderr'
}

/**
 * The log of a lease. A connection that breaks is resumed after the last record that came, by its time and its place
 * among those of the same time.
 * @throws as `openSession` before the first piece; PEER_LOST when the connection did not come back
 */
export async function openLogs(
  book: Pick<RentBook, 'rpc'>,
  lease: Pick<FoundLease, 'leaseId' | 'miner'>,
  ask: AskLogs,
  { signal, ...notices }: ShellNotices & { readonly signal: AbortSignal },
): Promise<AsyncIterable<ReadLog>> {
  const open = (request: AskLogs) => openSession(book, lease, request, signal)
  return readAll(await open(ask), ask, open, notices)
}

async function* readAll(
  first: FrameChannel,
  ask: AskLogs,
  open: (request: AskLogs) => Promise<FrameChannel>,
  notices: ShellNotices,
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
        channel = await reopen(() => open(place.next()), error)
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

async function reopen(open: () => Promise<FrameChannel>, cause: unknown): Promise<FrameChannel> {
  const endMs = performance.now() + PATIENCE_MS
  for (let tries = 0; ; tries++) {
    await sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]!)
    try {
      return await open()
    } catch (error) {
      if (isRefusal(error) || !codeOf(error).startsWith('PEER_')) throw error
      if (performance.now() > endMs) throw cause
    }
  }
}

/** How far reading has come, so that it can go on over another connection. */
export function createPlace(ask: AskLogs) {
  let at = ask.since
  /** Records of that time that have begun, the current one too. */
  let begun = ask.skip ?? 0
  /** Bytes of the current record that have come. */
  let came = 0
  /** After a new connection: the next record is the current one again. */
  let expectsAgain = false
  /** Of that one, bytes that are known. */
  let toDrop = 0
  const begin = (time: string): void => {
    begun = time === at ? begun + 1 : 1
    at = time
    came = 0
    toDrop = 0
  }
  return {
    /** What of a piece has not come before. */
    fresh(piece: ReadLog): ReadLog {
      const isAgain = expectsAgain && piece.at === at
      if (piece.at !== undefined) {
        expectsAgain = false
        if (!isAgain) begin(piece.at)
      }
      const dropped = Math.min(toDrop, piece.data.length)
      toDrop -= dropped
      came += piece.data.length - dropped
      return { ...piece, at: isAgain ? undefined : piece.at, data: piece.data.subarray(dropped) }
    },
    /** The request that goes on: the current record again, for the rest of it may be missing. */
    next(): AskLogs {
      const { tail: _, ...rest } = ask
      return at === undefined ? ask : { ...rest, since: at, skip: Math.max(0, begun - 1) }
    },
    reopened(): void {
      expectsAgain = begun > 0
      toDrop = came
    },
  }
}
