import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { type Deadline, deadline } from '../../../clock.ts'
import type { Snapshot } from '../../../containers/snapshot.ts'
import { codeOf, NodeError } from '../../../errors.ts'
import {
  channels,
  controlToMiner,
  controlToRenter,
  type SessionOf,
} from '../../../protocols/session.ts'
import { hoursMs, KiB, MiB } from '../../../units.ts'
import { type HeldSnapshot, SNAPSHOT_GRACE_MS } from './kept-snapshots.ts'
import type { SessionRun } from './session-run.ts'
import { whenAborted } from './when-aborted.ts'

/** What a miner gives for one unless its owner says otherwise. */
export const MAX_SNAPSHOT_BYTES = 64 * 1024 * MiB
const PIECE_BYTES = 128 * KiB
/** Nobody holds an image of this machine for longer, however slowly it reads. */
const LONGEST_MS = hoursMs(24)

type SnapshotRun = SessionRun<SessionOf<'snapshot'>>

/**
 * Sends a lease's container as an image archive, with its length and SHA-256 at the end; to a renter that comes back, from
 * where it was. The image is gone from this machine when all of it was sent, when something else than the connection
 * broke, or when nobody came back in time.
 * @throws REFUSED_SNAPSHOT while one is made of this lease, or too many are; REFUSED_SNAPSHOT_SIZE
 */
export async function runSnapshot(run: SnapshotRun): Promise<void> {
  const { container, request, channel, closing, left, peerId } = run
  const { tag, pause, have } = request
  const most = run.maxSnapshotBytes ?? MAX_SNAPSHOT_BYTES
  const maxBytes = Math.min(most, request.maxBytes ?? most)
  if (most === 0) {
    throw new NodeError('REFUSED_SNAPSHOT', 'this miner makes no snapshots', {
      next: 'copy the files out instead',
    })
  }
  const held = await run.snapshots.take({
    ...{ container, peerId, tag, closing, resumes: have !== undefined },
    make: (signal) => container.snapshot({ tag, pause, maxBytes, signal }),
  })
  const gone = AbortSignal.any([left, held.takenOver])
  let outcome: 'over' | 'kept' = 'over'
  try {
    // At once: making the image may take longer than a renter waits for a session to begin.
    await channel.send(channels.control, controlToRenter.encode({ kind: 'started' }))
    using limit = deadline(AbortSignal.any([closing, gone]), LONGEST_MS)
    await sendUnlessAborted(run, held, maxBytes, limit)
  } catch (error) {
    const isBroken = gone.aborted || codeOf(error).startsWith('PEER_')
    if (isBroken && !closing.aborted) outcome = 'kept'
    throw closing.aborted ? closing.reason : error
  } finally {
    await held.end(outcome)
  }
  // Last of all, so that who reads it may ask for the next.
  await channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 }))
}

async function sendUnlessAborted(
  run: SnapshotRun,
  held: HeldSnapshot,
  maxBytes: number,
  limit: Deadline,
): Promise<void> {
  using ended = whenAborted(limit.signal)
  const snapshot = await Promise.race([held.snapshot, ended.aborted])
  const { have } = run.request
  const reader: { archive: Readable | undefined } = { archive: undefined }
  const send = async (): Promise<void> => {
    if (have !== undefined && (await sendArchive(run, snapshot, { have, maxBytes, reader }))) return
    await sendArchive(run, snapshot, { have: undefined, maxBytes, reader })
  }
  const sendAndHear = async (): Promise<void> => {
    await send()
    limit.within(SNAPSHOT_GRACE_MS)
    await heard(run)
  }
  const sending = sendAndHear()
  try {
    await Promise.race([sending, ended.aborted])
  } catch (error) {
    reader.archive?.destroy()
    sending.catch(() => undefined) // it ends with the archive, or with the channel
    throw error
  }
}

/** What was sent may be lost on its way: the image stays until its renter says that all came, or says no more. */
async function heard({ channel }: SnapshotRun): Promise<void> {
  for await (const { channel: from, data } of channel.frames()) {
    if (from === channels.control && controlToMiner.decode(data).kind === 'received') return
  }
}

interface Sending {
  readonly have: { readonly bytes: number; readonly sha256: Uint8Array } | undefined
  readonly maxBytes: number
  /** What is read now, for who has to end it. */
  readonly reader: { archive: Readable | undefined }
}

/** Sends what comes behind `have`; false, and nothing is sent, when the archive does not begin with that. */
async function sendArchive(
  { channel }: SnapshotRun,
  snapshot: Snapshot,
  { have, maxBytes, reader }: Sending,
): Promise<boolean> {
  const tell = (message: Parameters<typeof controlToRenter.encode>[0]) =>
    channel.send(channels.control, controlToRenter.encode(message))
  const { aboutBytes } = snapshot
  const fromBytes = have?.bytes ?? 0
  const hash = createHash('sha256')
  let bytes = 0
  if (fromBytes === 0) await tell({ kind: 'started', aboutBytes })
  reader.archive = await snapshot.open()
  for await (const piece of pieces(reader.archive, fromBytes)) {
    hash.update(piece)
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    if (bytes > fromBytes) await channel.send(channels.stdout, piece)
    else if (have !== undefined && bytes === fromBytes) {
      if (Buffer.compare(hash.copy().digest(), have.sha256) !== 0) return endOf(reader)
      await tell({ kind: 'started', aboutBytes, fromBytes })
    }
  }
  if (bytes < fromBytes) return endOf(reader)
  await tell({ kind: 'whole', bytes, sha256: new Uint8Array(hash.digest()) })
  return true
}

function endOf({ archive }: Sending['reader']): false {
  archive?.destroy()
  return false
}

/** The archive in pieces that fit a frame, one of which ends at `cutAt`. */
async function* pieces(archive: AsyncIterable<Uint8Array>, cutAt: number) {
  let at = 0
  for await (const chunk of archive) {
    for (let from = 0; from < chunk.length; ) {
      const most = at < cutAt ? Math.min(PIECE_BYTES, cutAt - at) : PIECE_BYTES
      const piece = chunk.subarray(from, from + most)
      yield piece
      from += piece.length
      at += piece.length
    }
  }
}

const tooLarge = (maxBytes: number): NodeError =>
  new NodeError('REFUSED_SNAPSHOT_SIZE', `it has more than ${maxBytes} bytes`, {
    next: 'raise --max-size, or copy the files out instead',
  })
