import { readFile, stat } from 'node:fs/promises'
import { messageOf, NodeError } from '../../errors.ts'
import { MAX_TRANSCRIPT_BYTES } from '../../protocols/transcript.ts'
import type { TranscriptDocument } from '../control/routes/transcripts.ts'
import { createOutput } from '../output.ts'
import { type TranscriptCheck, verifyTranscript } from '../verify-transcript.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'

/** A content id, whole or its first digits, as `attestations` prints it. */
const CONTENT_ID = /^[0-9a-f]{12,64}$/i

/**
 * Checks a transcript, from a file or by its id from the network, and prints every check with its result: 0 when it is
 * VALID, 1 when it is not. A file is checked offline, from its bytes alone.
 */
export const gpuVerify: Run = async (context) => {
  const { args, config, terminal } = context
  const named = args[0]!
  const content = CONTENT_ID.test(named)
    ? await obtain(named, context)
    : await readTranscript(named)
  const finding = verifyTranscript(content)
  const { verdict, reason, id, bytes, network, peerId, gpu, slot, verifyMs, checks } = finding
  createOutput(terminal, config).value(
    finding,
    () =>
      [
        verdict === 'VALID' ? 'VALID' : `${verdict}: ${reason}`,
        `  transcript ${id} (${bytes} bytes)`,
        ...(peerId === undefined
          ? []
          : [`  device     ${gpu} of ${peerId}, slot ${slot} on ${network}`]),
        ...checks.map((check) => `  ${check.name.padEnd(10)} ${told(check)}`),
        ...(verifyMs === undefined ? [] : [`  proofs checked in ${verifyMs} ms`]),
      ].join('\n'),
    verdict,
  )
  return verdict === 'VALID' ? 0 : 1
}

const told = ({ ok, detail }: TranscriptCheck): string => `${ok ? 'ok ' : 'BAD'} ${detail}`

const obtain = (id: string, context: CommandContext): Promise<Uint8Array> =>
  withNode(context, async (client) => {
    const found = await client.get<TranscriptDocument>(`/v1/transcripts/${id}`, context.signal)
    return new Uint8Array(Buffer.from(found.base64, 'base64'))
  })

async function readTranscript(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file)
    if (size > MAX_TRANSCRIPT_BYTES) {
      throw new NodeError('BAD_CONFIG_FILE', `${file} has ${size} bytes: no transcript is so large`)
    }
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof NodeError) throw cause
    throw new NodeError('BAD_CONFIG_FILE', `cannot read ${file}: ${messageOf(cause)}`, {
      cause,
      next: 'name a transcript file, or an id that compute-node attestations shows',
    })
  }
}
