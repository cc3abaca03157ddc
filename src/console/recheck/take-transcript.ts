import { ApiError, failureOf } from '../app/api.ts'
import { assertNotTooLarge } from './check-here.ts'

/** How much of it has come; `total` is unknown where the node does not say. */
export interface Come {
  readonly bytes: number
  readonly total: number | undefined
}

/** Where a transcript's bytes are, by its content id. */
export const contentOf = (id: string): string => `/v1/transcripts/${encodeURIComponent(id)}/content`

/**
 * Takes a transcript from the node that this page came from; `onCome` hears how far it is. Nothing of it is believed: the
 * page checks it by itself.
 * @throws ApiError; the reason of `signal`
 */
export async function takeTranscript(
  id: string,
  onCome: (come: Come) => void,
  signal: AbortSignal,
): Promise<Blob> {
  const response = await fetch(contentOf(id), { signal }).catch((error: unknown) => {
    throw signal.aborted ? error : failureOf(undefined, 502)
  })
  if (!response.ok || response.body === null)
    throw failureOf(await jsonOf(response), response.status)
  const stated = Number(response.headers.get('content-length') ?? Number.NaN)
  const total = Number.isSafeInteger(stated) && stated > 0 ? stated : undefined
  const pieces: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      pieces.push(value)
      bytes += value.length
      assertNotTooLarge(bytes)
      onCome({ bytes, total })
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error
    throw failureOf(undefined, 502) // cut off
  }
  return new Blob(pieces)
}

const jsonOf = (response: Response): Promise<unknown> => response.json().catch(() => undefined)
