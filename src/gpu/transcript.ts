import { decode, encode } from 'cborg'
import { z } from 'zod'
import { type BeaconInfo, QUICKNET } from '../beacon.ts'
import { equalBytes } from '../bytes.ts'
import { messageOf, NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import type { ProofSizes } from './backend.ts'
import { type GemmOpenings, MAX_STEPS, openingsBytes } from './gemm-proof.ts'
import { type Bytes, taggedHash } from './hash.ts'
import { type HopOpenings, hopOpeningsBytes } from './locality-proof.ts'
import { type PassOpenings, passOpeningsBytes } from './residency-proof.ts'
import type { Announcement } from './slot.ts'
import type { PerAnyWork, SlotNetwork } from './slot-network.ts'

/** A signed Final is small; ticks in one window are few (slot-network.ts). */
const MAX_FINAL_BYTES = 1 * KiB
const MAX_TICKS = 64

const bytes = (length?: number) =>
  z.custom<Uint8Array>(
    (v) => v instanceof Uint8Array && (length === undefined || v.length === length),
    length === undefined ? 'must be bytes' : `must be ${length} bytes`,
  )
const count = () => z.int().min(0)
const signedPulse = z.strictObject({ round: count(), signature: bytes(48) })
const work = {
  /** The Final as a signed record of the PeerId. */
  final: bytes().refine((v) => v.length <= MAX_FINAL_BYTES, 'too large'),
  counts: z.array(count()).max(MAX_TICKS),
  roots: bytes(),
}

/**
 * A proof that stands alone: who proved what and when, the pulses behind the seeds, and of each kind of work the signed
 * Final and the openings. What a verifier already knows is compared with its own knowledge, never believed.
 */
const schema = z.strictObject({
  version: z.literal(2),
  network: z.enum(['finney', 'test', 'local']),
  genesis: bytes(32),
  netuid: count(),
  hotkey: bytes(32),
  peerId: z.string().max(64),
  gpu: z.string().max(64),
  /** How long its windows were; absent of an idle GPU's. */
  mode: z.literal('leased').optional(),
  n: count(),
  bytes: count(),
  slot: count(),
  beacon: z.strictObject({
    name: z.string().max(32),
    publicKey: bytes(96),
    periodMs: count(),
    genesisMs: count(),
  }),
  pulses: z.strictObject({
    fill: signedPulse,
    start: signedPulse,
    gemm: signedPulse,
    open: signedPulse,
  }),
  residency: z.strictObject({ ...work, leaves: bytes(), paths: bytes() }),
  gemm: z.strictObject({ ...work, rows: bytes(), paths: bytes() }),
  /** Stands for itself, with the pulse that started it: whatever is wrong in it leaves the rest as it is. */
  locality: z.strictObject({ pulse: signedPulse, ...work, states: bytes() }).optional(),
})
export type Transcript = z.infer<typeof schema>

/** The name of a transcript: 32 B over all of its bytes. */
export const transcriptId = (content: Bytes): Bytes => taggedHash('transcript', content)

/** Room for everything but the large buffers, bytes. */
const HEADER_BYTES = 4 * KiB

/**
 * The most bytes a transcript of these sizes and counts can have: ask for no more. Without the count of a locality chain
 * it may have any: one whose close came too late is in the transcript all the same.
 */
export function transcriptMaxBytes(
  net: SlotNetwork,
  { n, bytes: filled }: ProofSizes,
  counts: PerAnyWork<number>,
): number {
  const within = (value: number, max: number): number => Math.min(Math.max(1, value), max)
  const passes = within(counts.residency, net.residency.maxPasses)
  const residency = passOpeningsBytes(filled, passes, net.residency)
  const gemm = openingsBytes(n, within(counts.gemm, MAX_STEPS), net.gemm)
  const checkpoints = within(
    counts.locality ?? Number.POSITIVE_INFINITY,
    net.locality.maxCheckpoints,
  )
  const locality = hopOpeningsBytes(checkpoints)
  const sizes = [residency, gemm, locality].flatMap((part) => Object.values(part))
  return sizes.reduce((sum, size) => sum + size, HEADER_BYTES)
}

/** The one encoding of a transcript. */
export const encodeTranscript = (transcript: Transcript): Bytes => encode(transcript)

/** Reads a transcript; BAD_MESSAGE_TRANSCRIPT on anything but the one encoding of a well-shaped one. */
export function decodeTranscript(content: Bytes): Transcript {
  try {
    const options = {
      strict: true,
      rejectDuplicateMapKeys: true,
      allowIndefinite: false,
      allowUndefined: false,
    } as const
    const transcript = schema.parse(decode(content, options))
    if (!equalBytes(encode(transcript), content)) throw new Error('it has another encoding')
    return transcript
  } catch (cause) {
    const message = `not a transcript: ${messageOf(cause).split('\n')[0]}`
    throw new NodeError('BAD_MESSAGE_TRANSCRIPT', message, { cause })
  }
}

/** What it opens of the passes. */
export const passOpeningsOf = ({ residency }: Transcript): PassOpenings => {
  const { counts, roots, leaves, paths } = residency
  return { counts, roots, leaves, paths }
}

/** What it opens of the matrix chain. */
export const gemmOpeningsOf = ({ gemm }: Transcript): GemmOpenings => {
  const { counts, roots, rows, paths } = gemm
  return { counts, roots, rows, paths }
}

/** What it opens of the locality chain; undefined without one. */
export const hopOpeningsOf = ({ locality }: Transcript): HopOpenings | undefined => {
  if (locality === undefined) return undefined
  const { counts, roots, states } = locality
  return { counts, roots, states }
}

/** Whose proof it claims to be. */
export const announcementOf = (t: Transcript): Announcement => ({
  genesis: t.genesis,
  netuid: t.netuid,
  hotkey: t.hotkey,
  peerId: t.peerId,
  gpuId: t.gpu,
  ...(t.mode === undefined ? {} : { mode: t.mode }),
  n: t.n,
  bytes: t.bytes,
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
