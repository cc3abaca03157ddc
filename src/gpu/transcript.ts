import { decode, encode } from 'cborg'
import { z } from 'zod'
import { type BeaconInfo, QUICKNET } from '../beacon.ts'
import { messageOf, NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import { type GemmLimits, type GemmOpenings, MAX_STEPS, openingsBytes } from './gemm-proof.ts'
import { type Bytes, equalBytes, taggedHash } from './hash.ts'
import type { Announcement } from './slot.ts'

const bytes = (length?: number) =>
  z.custom<Uint8Array>(
    (v) => v instanceof Uint8Array && (length === undefined || v.length === length),
    length === undefined ? 'must be bytes' : `must be ${length} bytes`,
  )
const count = () => z.int().min(0)
const signedPulse = z.strictObject({ round: count(), signature: bytes(48) })

/**
 * A proof that stands alone: who proved what and when, the pulses behind the seeds, the signed Final and the openings.
 * What a verifier already knows is compared with its own knowledge, never believed.
 */
const schema = z.strictObject({
  version: z.literal(1),
  network: z.enum(['finney', 'test', 'local']),
  genesis: bytes(32),
  netuid: count(),
  hotkey: bytes(32),
  peerId: z.string().max(64),
  gpu: z.string().max(64),
  n: count(),
  slot: count(),
  work: z.literal('gemm'),
  beacon: z.strictObject({
    name: z.string().max(32),
    publicKey: bytes(96),
    periodMs: count(),
    genesisMs: count(),
  }),
  startPulse: signedPulse,
  openPulse: signedPulse,
  /** The Final as a signed record of the PeerId. */
  final: bytes(),
  counts: z.array(count()).max(64),
  roots: bytes(),
  rows: bytes(),
  paths: bytes(),
})
export type Transcript = z.infer<typeof schema>

/** The name of a transcript: 32 B over all of its bytes. */
export const transcriptId = (content: Bytes): Bytes => taggedHash('transcript', content)

/** Room for everything but the three large buffers, bytes. */
const HEADER_BYTES = 4 * KiB

/** The most bytes a transcript of this size can have: ask for no more. */
export function transcriptMaxBytes(n: number, steps: number, limits: GemmLimits): number {
  const { roots, rows, paths } = openingsBytes(n, Math.min(Math.max(1, steps), MAX_STEPS), limits)
  return HEADER_BYTES + roots + rows + paths
}

/** The one encoding of a transcript. */
export const encodeTranscript = (transcript: Transcript): Bytes => encode(transcript)

/** Reads a transcript; BAD_MESSAGE_TRANSCRIPT on anything but the one encoding of a well-shaped one. */
export function decodeTranscript(content: Bytes): Transcript {
  try {
    const options = { strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false } as const
    const transcript = schema.parse(decode(content, options))
    if (!equalBytes(encode(transcript), content)) throw new Error('it has another encoding')
    return transcript
  } catch (cause) {
    const message = `not a transcript: ${messageOf(cause).split('\n')[0]}`
    throw new NodeError('BAD_MESSAGE_TRANSCRIPT', message, { cause })
  }
}

export const openingsOf = ({ counts, roots, rows, paths }: Transcript): GemmOpenings => ({
  counts,
  roots,
  rows,
  paths,
})

/** Whose proof it claims to be. */
export const announcementOf = (t: Transcript): Announcement => ({
  genesis: t.genesis,
  netuid: t.netuid,
  hotkey: t.hotkey,
  peerId: t.peerId,
  gpuId: t.gpu,
  n: t.n,
})

/** The field in which a transcript differs from what is expected of it, or null. */
export function differsIn(transcript: Transcript, expected: Partial<Transcript>): string | null {
  const different = Object.entries(expected).find(
    ([key, value]) => !equalBytes(encode(transcript[key as keyof Transcript]), encode(value)),
  )
  return different?.[0] ?? null
}

/** The beacon that a network's slots must use; a local network has one of its own, which the transcript names. */
export const beaconOf = ({ network, beacon }: Transcript): BeaconInfo =>
  network === 'local' ? beacon : QUICKNET
