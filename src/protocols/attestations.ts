import { hash, sign } from 'node:crypto'
import { z } from 'zod'
import { KiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { verifySignature } from './ed25519.ts'
import { bytes, integer, peerIdText, text, timeMs } from './fields.ts'
import type { Network } from './network.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { recordTypes, type Signed } from './signed.ts'
import { defineTopic, type RecordKind, type Verdict } from './topic.ts'

/** Rows of one batch; a validator with more to say uses further chunks. */
export const MAX_ROWS = 256
export const MAX_CHUNKS = 64
const MAX_BYTES = 64 * KiB
const ENVELOPE_BYTES = 256

const place = {
  /** The round that started the slot. */
  slot: integer(1, Number.MAX_SAFE_INTEGER),
  chunk: integer(0, MAX_CHUNKS - 1),
}
const gpu = {
  /** PeerId of the GPU's node. */
  miner: peerIdText(),
  /** The hotkey it works for; the PeerId's own key where none is bound. */
  hotkey: bytes(32),
  gpu: text(64),
}

/** Binds a report before reports are public, so that testimony cannot be copied. */
export const reportCommitCodec = cborCodec(z.looseObject({ ...place, hash: bytes(32) }), 512)

/** Of both Finals. */
const heads = z.looseObject({ residency: bytes(32), gemm: bytes(32) })

const reportRow = z.looseObject({
  ...gpu,
  /** `idle`, `leased` (it proved beside a tenant) or `exclusive` (it owed no proof), as announced for the slot. */
  mode: z.string().regex(/^[a-z]{1,16}$/),
  n: integer(0, 65_536),
  /** Size of the resident fill; absent where a report of an earlier version measures none. */
  bytes: integer(0, 2 ** 40).optional(),
  /** What arrived inside the windows; 0 is silence. */
  passes: integer(0, 1_000_000),
  steps: integer(0, 1_000_000),
  /** Of the locality chain; absent where a report of an earlier version measures none. */
  checkpoints: integer(0, 1_000_000).optional(),
  /**
   * The live offer of an idle device that the validator saw at the slot or not long before, with what this device costs
   * an hour in base units of `asset`; null when it saw none, absent where it cannot tell.
   */
  offer: z
    .looseObject({
      id: bytes(32),
      asset: text(16),
      price: z.string().regex(/^(0|[1-9][0-9]{0,29})$/),
      atMs: timeMs(),
    })
    .nullable()
    .optional(),
  /** Of the Finals that came in time, whether or not their openings are looked at: a VALID is held against what most saw. */
  heads: heads.optional(),
})
/** What one validator counted in one slot. */
export const reportCodec = cborCodec(
  z.looseObject({ ...place, salt: bytes(32), rows: z.array(reportRow).min(1).max(MAX_ROWS) }),
  MAX_BYTES - ENVELOPE_BYTES,
)

const verdictRow = z.looseObject({
  ...gpu,
  /** `VALID`, or why not (a code of scoring.md §7). */
  verdict: z.string().regex(/^[A-Z][A-Z_]{1,31}$/),
  /** Content id of the transcript it speaks of. */
  openings: bytes(32).optional(),
  /** SHA-256(pulseSignature ‖ transcript): who signs VALID without the bytes is provably lazy. */
  witness: bytes(32).optional(),
  /**
   * Heads of the Finals under which a VALID or BAD_VALUE was found: what they bind shows whether it is true, to anyone
   * and without the openings (gpu-protocol §11).
   */
  heads: heads.optional(),
  /** Whose proof breaks: `residency`, `gemm`, or a later kind of work. */
  work: z
    .string()
    .regex(/^[a-z]{1,16}$/)
    .optional(),
  /** The element that breaks it: pass and page of `residency`; step, row and (of a value) column of `gemm`. */
  at: z
    .array(integer(0, 2 ** 32))
    .min(2)
    .max(3)
    .optional(),
  /** What was found of the locality chain, beside VALID: a bad path or value names its checkpoint. */
  locality: z
    .looseObject({
      verdict: z.string().regex(/^[A-Z][A-Z_]{1,31}$/),
      at: z
        .array(integer(0, 2 ** 32))
        .length(1)
        .optional(),
    })
    .optional(),
  proveMs: integer(0, 86_400_000).optional(),
  verifyMs: integer(0, 86_400_000).optional(),
  transcriptBytes: integer(0, 2 ** 32).optional(),
})
/** What one validator found in the openings of one slot. */
export const verdictCodec = cborCodec(
  z.looseObject({
    ...place,
    /** The validator's signature over the open pulse (`witnessMessage`); needed beside any VALID. */
    pulseSignature: bytes(64).optional(),
    /** The open pulse itself, as the beacon signed it: it says who was drawn to check (gpu-protocol §7). */
    openPulse: bytes(48).optional(),
    rows: z.array(verdictRow).min(1).max(MAX_ROWS),
  }),
  MAX_BYTES - ENVELOPE_BYTES,
)

export type ReportCommit = Message<typeof reportCommitCodec>
export type Report = Message<typeof reportCodec>
export type ReportRow = Report['rows'][number]
export type Verdicts = Message<typeof verdictCodec>
export type VerdictRow = Verdicts['rows'][number]

/** Whether each GPU stands in one row alone. */
function distinct(rows: readonly { readonly miner: string; readonly gpu: string }[]): boolean {
  return new Set(rows.map((row) => `${row.miner}/${row.gpu}`)).size === rows.length
}

export const reportCommitKind: RecordKind<ReportCommit> = {
  type: recordTypes.reportCommit,
  codec: reportCommitCodec,
  check: () => 'accept',
}

export const reportKind: RecordKind<Report> = {
  type: recordTypes.report,
  codec: reportCodec,
  check: ({ payload }) =>
    distinct(payload.rows) ? 'accept' : { reject: 'a GPU stands in two rows' },
}

export const verdictKind: RecordKind<Verdicts> = {
  type: recordTypes.verdict,
  codec: verdictCodec,
  check({ payload }): Verdict {
    if (!distinct(payload.rows)) return { reject: 'a GPU stands in two rows' }
    for (const row of payload.rows) {
      const fault = rowFault(row, payload.pulseSignature !== undefined)
      if (fault !== null) return { reject: fault }
    }
    return 'accept'
  },
}

/** How many numbers name an element, by verdict and work; a later kind of work names it in its own way. */
const PLACES: Readonly<Record<'BAD_VALUE' | 'BAD_PATH', Readonly<Record<string, number>>>> = {
  BAD_VALUE: { residency: 2, gemm: 3 },
  BAD_PATH: { residency: 2, gemm: 2 },
}

/** A verdict on bytes names the bytes: VALID with its witness, a bad path or value with its element. */
function rowFault(row: VerdictRow, signedPulse: boolean): string | null {
  const { verdict, openings, witness, heads, work, at, locality } = row
  const isBadHops = locality?.verdict === 'BAD_VALUE' || locality?.verdict === 'BAD_PATH'
  if (isBadHops && locality.at === undefined) return 'a bad locality chain without its checkpoint'
  if (verdict === 'VALID') {
    const bound = openings !== undefined && heads !== undefined
    const backed = bound && witness !== undefined && signedPulse
    return backed ? null : 'VALID without openings, heads, witness and signed pulse'
  }
  if (verdict === 'BAD_VALUE' && heads === undefined) return 'BAD_VALUE without heads'
  if (verdict === 'BAD_VALUE' || verdict === 'BAD_PATH') {
    const named = openings !== undefined && work !== undefined && at !== undefined
    const places = PLACES[verdict][work ?? '']
    const whole = named && (places === undefined || at.length === places)
    return whole ? null : `${verdict} without its element`
  }
  return null
}

/** Validators' testimony. */
export const attestationsTopic = defineTopic({
  name: 'attestations',
  maxBytes: MAX_BYTES,
  score: { weight: 0.5, expectedPerMinute: 60 },
})

const REPORT_DOMAIN = Buffer.from('compute-node/report/1\0')
const WITNESS_DOMAIN = Buffer.from('compute-node/witness/1\0')
const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(hash('sha256', Buffer.concat(parts), 'buffer'))

/** What a report commit binds: network, validator and the whole report with its salt, 32 B. */
export const reportHash = (net: Network, publicKey: Uint8Array, report: Report): Uint8Array =>
  sha256(REPORT_DOMAIN, net.digest, publicKey, reportCodec.encode(report))

/** What a validator signs to show that it was there when the open pulse was public. */
export const witnessMessage = (net: Network, openPulse: Uint8Array): Uint8Array =>
  Buffer.concat([WITNESS_DOMAIN, net.digest, openPulse])

/** A validator's signature over the open pulse, 64 B. */
export const signPulse = (net: Network, key: RecordKey, openPulse: Uint8Array): Uint8Array =>
  new Uint8Array(sign(null, witnessMessage(net, openPulse), key.privateKey))

/** The witness of a VALID: it can only be made by one who holds the transcript, 32 B. */
export const witnessOf = (pulseSignature: Uint8Array, transcript: Uint8Array): Uint8Array =>
  sha256(pulseSignature, transcript)

/** Whether a VALID is honest about its bytes, for one who has the pulse and the transcript. */
export function witnessHolds(
  net: Network,
  record: Signed<Verdicts>,
  row: VerdictRow,
  openPulse: Uint8Array,
  transcript: Uint8Array,
): boolean {
  const { pulseSignature } = record.payload
  if (pulseSignature === undefined || row.witness === undefined) return false
  if (!verifySignature(record.publicKey, witnessMessage(net, openPulse), pulseSignature)) {
    return false
  }
  return Buffer.compare(witnessOf(pulseSignature, transcript), row.witness) === 0
}

/** Signs a report commit. */
export const sealReportCommit = (net: Network, key: RecordKey, value: ReportCommit) =>
  sealRecord(net, recordTypes.reportCommit, reportCommitCodec, key, value)

/** Signs a report. */
export const sealReport = (net: Network, key: RecordKey, value: Report) =>
  sealRecord(net, recordTypes.report, reportCodec, key, value)

/** Signs a batch of verdicts. */
export const sealVerdicts = (net: Network, key: RecordKey, value: Verdicts) =>
  sealRecord(net, recordTypes.verdict, verdictCodec, key, value)
