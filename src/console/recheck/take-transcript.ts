import { MOST_TRANSCRIPT_BYTES } from '../../api/transcript-size.ts'
import { ComputeNodeError } from '../../client/errors.ts'
import { http, inOurWords } from '../app/api.ts'
import { assertNotTooLarge } from './check-here.ts'

/** How much of it has come; `total` is unknown where the node does not say. */
export interface Come {
  readonly bytes: number
  readonly total: number | undefined
}

/**
 * Takes a transcript from the node that this page came from; `onCome` hears how far it is. Nothing of it is believed: the
 * page checks it by itself.
 * @throws ComputeNodeError; the reason of `signal`
 */
export async function takeTranscript(
  id: string,
  onCome: (come: Come) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const path = `/v1/transcripts/${encodeURIComponent(id)}/content`
  const { body, headers } = await inOurWords(http.stream({ path, signal }))
  const total = Number(headers.get('content-length')) || undefined
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  const reader = body!.getReader()
  const read = () =>
    reader.read().catch((cause: unknown) => {
      signal.throwIfAborted()
      throw new ComputeNodeError('FAILED_CONNECTION', 'The node went away', { cause })
    })
  for (;;) {
    const { done, value } = await read()
    if (done) return new Blob(pieces)
    pieces.push(value)
    bytes += value.length
    if (bytes > MOST_TRANSCRIPT_BYTES) await reader.cancel()
    assertNotTooLarge(bytes)
    onCome({ bytes, total })
  }
}
