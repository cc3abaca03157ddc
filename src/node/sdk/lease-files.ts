import { createHash } from 'node:crypto'
import ignore from 'ignore'
import type { Lease as LeaseView } from '../../api/leases.ts'
import { type ByteStream, byteSource } from '../../client/byte-stream.ts'
import type { CallOptions } from '../../client/lease.ts'
import type { FileContent, FilesOfLease } from '../../client/lease-files.ts'
import { openedWhenStarted } from '../../client/lease-sessions.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { placeOf } from '../copy/copy-ends.ts'
import { copyIn, copyStreamIn } from '../copy/copy-in.ts'
import { CopyJob, type CopyResult } from '../copy/copy-job.ts'
import { copyOut, copyStreamOut } from '../copy/copy-out.ts'
import { keepCopying } from '../copy/keep-copying.ts'
import type { RentersTalk } from '../copy/look-at.ts'
import { roomFor } from '../copy/room-for.ts'

export interface CopyOptions extends CallOptions {
  /** Patterns as in a .gitignore of what is left out. */
  readonly exclude?: readonly string[] | undefined
  /** As whom the lease reads or writes: `name`, `uid` or `uid:gid`. */
  readonly user?: string | undefined
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
}

/** How far a copy is. */
export interface CopyProgress {
  /** Contents that travelled so far. */
  readonly bytes: number
  /** What was found to travel in all; less than `bytes` while that is not known. */
  readonly plannedBytes: number
  /** The file that travels now. */
  readonly file: string
}

/** Files between this machine and a lease, verified by their SHA-256. */
export interface LeaseFiles extends Pick<FilesOfLease, 'list'> {
  /**
   * Copies a file or folder of this machine to that very path of the lease (with a slash at its end: into that folder).
   * What is there already is not sent again, and a connection that broke is gone on with.
   */
  put(from: string, to: string, options?: CopyOptions): Promise<CopyResult>
  /** The same from the lease to a path here. */
  get(from: string, to: string, options?: CopyOptions): Promise<CopyResult>
  /** Writes a file: it has its name once it is whole. */
  write(path: string, content: FileContent, options?: CopyOptions): Promise<CopyResult>
  /** A file's contents as they come. FAILED_FILES when they changed meanwhile. */
  read(path: string, options?: CopyOptions): ByteStream
}

interface Place {
  /** `/v1/leases/ID`. */
  readonly path: string
  readonly view: () => LeaseView
  readonly frames: (path: string, signal: AbortSignal) => Promise<FrameChannel>
  readonly life: (signal: AbortSignal | undefined) => AbortSignal
}

export function leaseFiles({ path, view, frames, life }: Place): Omit<LeaseFiles, 'list'> {
  const copied = async (
    work: (talk: RentersTalk, job: CopyJob) => Promise<void>,
    options: CopyOptions,
    { resumes, roomBytes }: { readonly resumes: boolean; readonly roomBytes?: number | undefined },
  ): Promise<CopyResult> => {
    const signal = life(options.signal)
    const job = new ToldJob(options)
    job.roomBytes = roomBytes
    const asked = options.user === undefined ? {} : { user: options.user }
    const at = `${path}/files?${new URLSearchParams({ request: JSON.stringify(asked) })}`
    const open = () => openedWhenStarted(() => frames(at, signal), signal)
    const one = { open, work: (talk: RentersTalk) => work(talk, job), job, resumes, signal }
    await keepCopying({ ...one, onLost: () => undefined })
    return job.result
  }
  return {
    put(from, to, options = {}) {
      const target = placeOf(from, to, { isFolder: false, isOneOfMany: false })
      const roomBytes = roomFor(view(), to)
      const work = (talk: RentersTalk, job: CopyJob) => copyIn(talk, { from, to: target }, job)
      return copied(work, options, { resumes: true, roomBytes })
    },
    get(from, to, options = {}) {
      const target = placeOf(from, to, { isFolder: false, isOneOfMany: false })
      const work = (talk: RentersTalk, job: CopyJob) => copyOut(talk, { from, to: target }, job)
      return copied(work, options, { resumes: true })
    },
    write(to, content, options = {}) {
      const work = async (talk: RentersTalk, job: CopyJob): Promise<void> => {
        await copyStreamIn(talk, { from: bytesOf(content), to }, job)
      }
      return copied(work, options, { resumes: false })
    },
    read(from, options = {}) {
      const source = byteSource()
      const place = { offset: 0, hash: createHash('sha256') }
      const to = (data: Uint8Array) => source.push(new Uint8Array(data)) // a view of what is used again
      const work = async (talk: RentersTalk, job: CopyJob): Promise<void> => {
        await copyStreamOut(talk, { from, to, place }, job)
      }
      copied(work, options, { resumes: true }).then(() => source.end(), source.fail)
      return source.stream
    },
  }
}

/** Tells its progress. */
class ToldJob extends CopyJob {
  readonly #tell: (progress: CopyProgress) => void

  constructor({ exclude = [], onProgress = () => undefined }: CopyOptions) {
    const rules = ignore({ ignorecase: false, allowRelativePaths: true }).add([...exclude])
    super((path) => exclude.length > 0 && rules.ignores(path))
    this.#tell = onProgress
  }

  override travelled(bytes: number): void {
    super.travelled(bytes)
    this.#tell({ bytes: this.bytes, plannedBytes: this.plannedBytes, file: this.current })
  }
}

async function* bytesOf(content: FileContent): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) yield content
  else if ('text' in content) yield Buffer.from(content.text)
  else for await (const data of content) yield typeof data === 'string' ? Buffer.from(data) : data
}
