import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import { NodeError } from '../../errors.ts'

export interface DownloadOptions {
  /** What the browser shall call it. */
  readonly name: string
  readonly type?: string
  /** Of all of it; undefined where nobody knows. */
  readonly bytes?: number
  /** Aborts when whoever asked is gone. */
  readonly signal: AbortSignal
}

/** Bytes of a stranger's as an answer, at the pace of whoever reads them. */
export interface Download {
  /** Copies what it keeps. */
  write(data: Uint8Array): Promise<void>
  /** All of it came and is right: now the last bytes go out. */
  end(): Promise<void>
  /** Throws the error where nothing was sent yet; else cuts the answer off, short of its end, and throws too. */
  fail(error: unknown): never
}

/**
 * The head goes out with the first byte, so that what fails before is an answer of its own. The newest piece is held
 * back until the end: an answer that is whole was right. It is never shown as a page of this origin.
 */
export function createDownload(
  reply: FastifyReply,
  { name, type = 'application/octet-stream', bytes, signal }: DownloadOptions,
): Download {
  const { raw } = reply
  let held: Buffer | undefined
  let passed = 0
  const begin = (): void => {
    if (raw.headersSent) return
    reply.hijack()
    raw.writeHead(200, {
      'content-type': type,
      'content-disposition': dispositionOf(name),
      'x-content-type-options': 'nosniff',
      'content-security-policy': 'sandbox',
      'cache-control': 'no-store',
      ...(bytes === undefined ? {} : { 'content-length': bytes }),
    })
  }
  const pass = async (data: Buffer): Promise<void> => {
    begin()
    if (!raw.write(data)) await once(raw, 'drain', { signal })
  }
  return {
    async write(data) {
      signal.throwIfAborted()
      passed += data.length
      if (bytes !== undefined && passed > bytes) throw changed(name)
      const before = held
      held = Buffer.from(data)
      if (before !== undefined) await pass(before)
    },
    async end() {
      if (bytes !== undefined && passed !== bytes) throw changed(name)
      begin()
      raw.end(held)
    },
    fail(error) {
      if (raw.headersSent) raw.destroy()
      throw error
    },
  }
}

const changed = (name: string): NodeError =>
  new NodeError('FAILED_FILES', `${name} changed while it was read`, {
    next: 'take it again when nothing writes to it',
  })

/** RFC 6266: a plain name for old programs, and the very one. */
function dispositionOf(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const exact = encodeURIComponent(name).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`
}
