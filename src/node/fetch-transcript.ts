import { sleep } from '../clock.ts'
import { codeOf, NodeError } from '../errors.ts'
import { transcriptId } from '../gpu/transcript.ts'
import type { Rpc } from '../protocols/rpc.ts'
import { transcript } from '../protocols/transcript.ts'

export interface TranscriptWanted {
  readonly peer: string
  /** Content id, 32 B. */
  readonly id: Uint8Array
  /** More than this is not taken. */
  readonly maxBytes: number
}

/**
 * Fetches a transcript chunk after chunk and compares it with its content id.
 * @throws PEER_BAD_TRANSCRIPT when what comes is too large, stops, changes or is not what the id names; else as `ask`
 */
export async function fetchTranscript(
  rpc: Pick<Rpc, 'ask'>,
  { peer, id, maxBytes }: TranscriptWanted,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const bad = (what: string): NodeError =>
    new NodeError('PEER_BAD_TRANSCRIPT', `the transcript of ${peer} ${what}`)
  let content: Uint8Array | undefined
  let offset = 0
  do {
    const { total, chunk } = await rpc.ask(transcript, peer, { id, offset }, signal)
    if (total > maxBytes) throw bad(`has ${total} bytes, at most ${maxBytes} belong there`)
    content ??= new Uint8Array(total)
    if (total !== content.length) throw bad('changed its length')
    if (chunk.length === 0 || offset + chunk.length > total) throw bad('does not fit its length')
    content.set(chunk, offset)
    offset += chunk.length
  } while (offset < content.length)
  if (Buffer.compare(transcriptId(content), id) !== 0) throw bad('is not what its id names')
  return content
}

/** Wait before a transcript is asked for again, ms. */
const RETRY_MS = 1000

/**
 * Fetches a transcript, again and again until `signal` aborts: a line that breaks in the middle is no fault of what was
 * to come over it.
 * @throws PEER_BAD_TRANSCRIPT at once, as `fetchTranscript`; else what the last try ended with
 */
export async function keepFetchingTranscript(
  rpc: Pick<Rpc, 'ask'>,
  wanted: TranscriptWanted,
  signal: AbortSignal,
  retryMs = RETRY_MS,
): Promise<Uint8Array> {
  for (;;) {
    try {
      return await fetchTranscript(rpc, wanted, signal)
    } catch (error) {
      if (signal.aborted || codeOf(error) === 'PEER_BAD_TRANSCRIPT') throw error
      await sleep(retryMs, signal).catch(() => Promise.reject(error))
    }
  }
}
