import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { messageOf, NodeError } from '../../errors.ts'

/** A file under construction, counted and hashed. */
export interface SnapshotFile {
  readonly stream: Writable
  /** Of what was written. */
  bytes(): number
  /** Of what was written so far, in hex. */
  sha256(): string
  /** What is written next is the beginning. */
  restart(): void
  /** Resolves when all that was handed over is in the file. */
  settled(): Promise<void>
  /** Rejects with BAD_CONFIG_FILE when it cannot be written. */
  readonly failed: Promise<never>
  close(): Promise<void>
}

/** Opens it anew, for its owner alone: a container's files may be secrets. @throws BAD_CONFIG_FILE */
export async function snapshotFile(path: string): Promise<SnapshotFile> {
  const wrong = (cause: unknown): NodeError =>
    new NodeError('BAD_CONFIG_FILE', `cannot write ${path}: ${messageOf(cause)}`, {
      cause,
      next: 'name another file: --output FILE',
    })
  const file = await open(path, 'w', 0o600).catch((cause: unknown) => {
    throw wrong(cause)
  })
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => undefined) // who awaits it is told
  let hash = createHash('sha256')
  let bytes = 0
  let isStale = false
  async function write(chunk: Uint8Array): Promise<void> {
    if (isStale) await file.truncate(0)
    isStale = false
    for (let at = 0; at < chunk.length; ) {
      at += (await file.write(chunk, at, chunk.length - at, bytes + at)).bytesWritten
    }
    hash.update(chunk)
    bytes += chunk.length
  }
  const stream = new Writable({
    write: (chunk: Uint8Array, _, done) =>
      void write(chunk).then(
        () => done(),
        (cause: unknown) => done(wrong(cause)),
      ),
  })
  stream.on('error', reject)
  return {
    stream,
    bytes: () => bytes,
    sha256: () => hash.copy().digest('hex'),
    restart() {
      hash = createHash('sha256')
      bytes = 0
      isStale = true
    },
    settled: () =>
      Promise.race([
        failed,
        // Its turn comes behind all that was handed over.
        new Promise<void>((resolve) => void stream.write(new Uint8Array(0), () => resolve())),
      ]),
    failed,
    close: () => file.close(),
  }
}
