import { Readable } from 'node:stream'
import { NodeError } from '../../errors.ts'
import { MiB } from '../../units.ts'

/** What may be uploaded to be looked at. */
export const MAX_UPLOAD_BYTES = 64 * MiB
/** A body that comes slower holds a place that others wait for. */
const WITHIN_MS = 60_000

/**
 * The bytes of a body of `application/octet-stream`.
 * @throws BAD_MESSAGE_SIZE for more than may be uploaded; BAD_MESSAGE when it does not come within a minute
 */
export async function uploaded(body: unknown, length: string | undefined): Promise<Uint8Array> {
  if (Number(length ?? 0) > MAX_UPLOAD_BYTES) throw tooLarge()
  if (!(body instanceof Readable)) {
    throw new NodeError('BAD_CONFIG_VALUE', 'the body is the file, as application/octet-stream')
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  const late = setTimeout(() => body.destroy(tooSlow()), WITHIN_MS)
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length
      if (bytes > MAX_UPLOAD_BYTES) throw tooLarge()
      chunks.push(chunk)
    }
  } finally {
    clearTimeout(late)
  }
  return new Uint8Array(Buffer.concat(chunks))
}

const tooLarge = (): NodeError =>
  new NodeError('BAD_MESSAGE_SIZE', `what is looked at has ${MAX_UPLOAD_BYTES / MiB} MiB at most`)

const tooSlow = (): NodeError =>
  new NodeError('BAD_MESSAGE_SLOW', `the body did not come within ${WITHIN_MS / 1000} s`)
