import { createHash } from 'node:crypto'
import type { Container } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import { channels, controlToRenter, type SessionOf } from '../../../protocols/session.ts'
import { KiB, MiB } from '../../../units.ts'
import type { SessionRun } from './session-run.ts'
import { whenAborted } from './when-aborted.ts'

/** What a miner gives for one unless its owner says otherwise. */
export const MAX_SNAPSHOT_BYTES = 64 * 1024 * MiB
/** Each takes the miner's disk and its line: on all leases together. */
const MAX_AT_ONCE = 2
const PIECE_BYTES = 128 * KiB

const underWay = new Set<Container>()

/** Whether a container may stand still for a snapshot of it. */
export const isBeingSnapshotted = (container: Container | undefined): boolean =>
  container !== undefined && underWay.has(container)

/**
 * Sends a lease's container as an image archive, with its length and SHA-256 at the end. The image is gone from this
 * machine when this settles, however it ends.
 * @throws REFUSED_SNAPSHOT while one is made of this lease, or too many are; REFUSED_SNAPSHOT_SIZE
 */
export async function runSnapshot(run: SessionRun<SessionOf<'snapshot'>>): Promise<void> {
  await make(run)
  // Last of all, so that who reads it may ask for the next.
  await run.channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 }))
}

async function make(run: SessionRun<SessionOf<'snapshot'>>): Promise<void> {
  const { container, request, channel, closing, left } = run
  const most = run.maxSnapshotBytes ?? MAX_SNAPSHOT_BYTES
  const maxBytes = Math.min(most, request.maxBytes ?? most)
  using _place = takePlace(container, most)
  // At once: making the image may take longer than a renter waits for a session to begin.
  await channel.send(channels.control, controlToRenter.encode({ kind: 'started' }))
  const signal = AbortSignal.any([closing, left])
  const { tag, pause } = request
  await using snapshot = await container.snapshot({ tag, pause, maxBytes, signal })
  const { archive, aboutBytes } = snapshot
  await channel.send(channels.control, controlToRenter.encode({ kind: 'started', aboutBytes }))
  using ended = whenAborted(signal)
  const sent = sendArchive(archive, maxBytes, channel)
  await Promise.race([sent, ended.aborted]).catch((error: unknown) => {
    sent.catch(() => undefined) // it ends with the archive, which goes now
    throw closing.aborted ? closing.reason : error
  })
}

async function sendArchive(
  archive: AsyncIterable<Uint8Array>,
  maxBytes: number,
  channel: SessionRun['channel'],
): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of archive) {
    bytes += chunk.length
    if (bytes > maxBytes) {
      throw new NodeError('REFUSED_SNAPSHOT_SIZE', `it has more than ${maxBytes} bytes`, {
        next: 'raise --max-size, or copy the files out instead',
      })
    }
    hash.update(chunk)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      await channel.send(channels.stdout, chunk.subarray(at, at + PIECE_BYTES))
    }
  }
  const sha256 = new Uint8Array(hash.digest())
  await channel.send(channels.control, controlToRenter.encode({ kind: 'whole', bytes, sha256 }))
}

function takePlace(container: Container, most: number): Disposable {
  if (most === 0) throw refused('this miner makes no snapshots', 'copy the files out instead')
  if (underWay.has(container)) throw refused('a snapshot of this lease is being made already')
  if (underWay.size >= MAX_AT_ONCE) throw refused('other snapshots are being made')
  underWay.add(container)
  return { [Symbol.dispose]: () => void underWay.delete(container) }
}

const refused = (message: string, next = 'try again in a while'): NodeError =>
  new NodeError('REFUSED_SNAPSHOT', message, { next })
