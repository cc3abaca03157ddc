import { readFile, stat } from 'node:fs/promises'
import type { FraudAnswer, FraudDocument, TranscriptDocument } from '../../api/scores.ts'
import { messageOf, NodeError } from '../../errors.ts'
import { decodeTranscript } from '../../gpu/transcript.ts'
import { fraudCodec } from '../../protocols/fraud.ts'
import { MAX_TRANSCRIPT_BYTES } from '../../protocols/transcript.ts'
import { showFork, showValue } from '../fraud/make-fraud.ts'
import { createOutput } from '../output.ts'
import {
  type TranscriptCheck,
  type TranscriptFinding,
  verifyTranscript,
} from '../verify-transcript.ts'
import { withNode, withRunningNode } from '../with-node.ts'
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
  if (config.publish) await publish(content, finding, context)
  return verdict === 'VALID' ? 0 : 1
}

/** Hands the proof that a false value is to the running node, which knows testimony; FAILED_FRAUD when there is none. */
async function publish(
  content: Uint8Array,
  { verdict, work, at }: TranscriptFinding,
  context: CommandContext,
): Promise<void> {
  const place = at?.filter((one) => one !== undefined)
  const value =
    verdict === 'BAD_VALUE' && work !== undefined && place !== undefined
      ? showValue(decodeTranscript(content), { work, at: place })
      : undefined
  const fork = verdict === 'EQUIVOCATION' ? showFork(decodeTranscript(content)) : undefined
  const fraud = value?.shown === 'wrong' ? value.fraud : fork
  if (fraud === undefined) {
    throw new NodeError('FAILED_FRAUD', `nothing to publish: the transcript is ${verdict}`, {
      next: 'only a value that is committed and false convicts, or a forked chain; see it without --publish',
    })
  }
  const base64 = Buffer.from(fraudCodec.encode(fraud)).toString('base64')
  const document: FraudDocument = { base64 }
  const { outcome } = await withRunningNode(context, (client) =>
    client.post<FraudAnswer>('/v1/frauds', document, context.signal),
  )
  createOutput(context.terminal, context.config).note(
    outcome === 'published' ? 'the proof of fraud is published' : 'such a proof is known already',
  )
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
