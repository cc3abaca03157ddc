import type { LeaseDirectory } from '../api/lease-files.ts'
import { NodeError } from '../errors.ts'
import { type ByteStream, byteSource } from './byte-stream.ts'
import type { HttpClient } from './http-client.ts'
import { openedWhenStarted } from './lease-sessions.ts'

export interface FileOptions {
  /** As whom the lease reads or writes: `name`, `uid` or `uid:gid`. */
  readonly user?: string
  readonly signal?: AbortSignal | undefined
}

/** What goes into a file of a lease. */
export type FileContent =
  | { readonly text: string }
  | Uint8Array
  | AsyncIterable<string | Uint8Array>

/** Files of a lease through its node, as browsers can have them: each as a whole, checked by its SHA-256 on its way. */
export interface FilesOfLease {
  /** What lies in a folder, by name; where commands begin when none is named. NOTHING_MATCHED, REFUSED_NO_FOLDER. */
  list(path?: string, options?: FileOptions): Promise<LeaseDirectory>
  /** A file's contents as they come. FAILED_FILES when they changed meanwhile, or could not be had to their end. */
  read(path: string, options?: FileOptions): ByteStream
  /** Writes a file: it has its name once it is whole. A Blob, as a browser's File, is read as it is sent. */
  write(
    path: string,
    content: FileContent | Blob,
    options?: FileOptions,
  ): Promise<{ readonly bytes: number }>
}

interface Place {
  readonly http: HttpClient
  /** `/v1/leases/ID`. */
  readonly path: string
  readonly life: (signal: AbortSignal | undefined) => AbortSignal
}

export function filesOf({ http, path: lease, life }: Place): FilesOfLease {
  return {
    list(path, { user, signal } = {}) {
      const ask = { path: `${lease}/directory`, query: { path, user }, signal: life(signal) }
      return openedWhenStarted(() => http.ask<LeaseDirectory>(ask), ask.signal)
    },
    read(path, { user, signal } = {}) {
      const ask = { path: `${lease}/content`, query: { path, user }, signal: life(signal) }
      const source = byteSource()
      const pass = async (): Promise<void> => {
        const { body } = await openedWhenStarted(() => http.stream(ask), ask.signal)
        const reader = body!.getReader()
        for (;;) {
          const { done, value } = await reader.read().catch((cause: unknown) => {
            ask.signal.throwIfAborted()
            throw cutOff(path, cause)
          })
          if (done) return source.end()
          await source.push(value)
          if (source.isLeft) return reader.cancel()
        }
      }
      pass().catch(source.fail)
      return source.stream
    },
    async write(path, content, { user, signal } = {}) {
      const whole = content instanceof Blob ? content : await blobOf(content)
      const ask = { path: `${lease}/content`, query: { path, user }, signal: life(signal) }
      const send = () => http.stream({ ...ask, method: 'PUT', content: whole })
      const response = await openedWhenStarted(send, ask.signal)
      return (await response.json()) as { readonly bytes: number }
    },
  }
}

/** A browser sends no stream whose length it does not know. */
async function blobOf(content: FileContent): Promise<Blob> {
  if (content instanceof Uint8Array) return new Blob([new Uint8Array(content)])
  if ('text' in content) return new Blob([content.text])
  const pieces: BlobPart[] = []
  for await (const data of content) {
    pieces.push(typeof data === 'string' ? data : new Uint8Array(data))
  }
  return new Blob(pieces)
}

const cutOff = (path: string, cause: unknown): NodeError =>
  new NodeError('FAILED_FILES', `${path} could not be read to its end`, {
    cause,
    next: 'take it again when nothing writes to it',
  })
