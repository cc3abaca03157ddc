import { NodeError } from '../errors.ts'
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
