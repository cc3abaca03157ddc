import { z } from 'zod'
import { messageOf, NodeError } from '../errors.ts'
import { tellsOf } from '../told-ticks.ts'
import { KiB } from '../units.ts'
import { type FinalClaim, finalCodec, type TickClaim, tickCodec } from './claims.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, bytesUpTo, integer, peerIdText, text } from './fields.ts'
import type { Network } from './network.ts'
import { noticesTopic } from './offers.ts'
import { peerIdOfKey } from './peer-key.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import {
  type CheckSignature,
  openPeeked,
  openPeekedAside,
  peekRecord,
  type RawRecord,
  recordTypes,
  type Signed,
} from './signed.ts'
import type { RecordKind, Verdict } from './topic.ts'

/** Room for the record around a proof. */
const ENVELOPE_BYTES = 256
/** A tick or Final as it travels is smaller. */
const CLAIM_BYTES = 1 * KiB

const signature = () => bytes(48)

/** What was committed of one element of a GEMM chain (src/gpu/element-proof.ts). */
const element = z.looseObject({
  previous: bytesUpTo(32 * KiB),
  previousPath: bytesUpTo(1 * KiB),
  chunk: bytesUpTo(1 * KiB),
  chunkPath: bytesUpTo(1 * KiB),
})

/** What was committed of one page of a pass (src/gpu/page-proof.ts). */
const page = z.looseObject({ leaf: bytesUpTo(1 * KiB), path: bytesUpTo(1 * KiB) })

/** One committed value, with all that its check needs; whatever else it needs is derived. */
const shown = z.looseObject({
  /** The hotkey that the device worked for. */
  hotkey: bytes(32),
  /** n of a GEMM chain, bytes of a resident fill. */
  size: integer(1, 2 ** 40),
  /** The beacon's signatures behind the seeds: `gemm` of a chain, `fill` and `start` of passes, `open` of both. */
  pulses: z.looseObject({
    fill: signature().optional(),
    start: signature().optional(),
    gemm: signature().optional(),
    open: signature(),
  }),
  /** The signed Final whose head binds the roots. */
  final: bytesUpTo(CLAIM_BYTES),
  counts: z.array(integer(0, 1_000_000)).max(64),
  roots: bytesUpTo(60 * KiB),
  /** Step, row and column, or pass and page; nothing of a fork, which is looked for in the whole chain. */
  at: z.array(integer(0, 2 ** 32)).max(3),
  element: element.optional(),
  page: page.optional(),
})

/** What a proof can show; the first one stands per accused, device, slot and kind. */
export const fraudKinds = [
  /**
   * A miner committed to a false element or page. It also shows, to whoever has their verdicts, which validators called
   * openings VALID in which they must have looked at it.
   */
  'false-value',
  /** A miner signed two claims that cannot both be true. */
  'equivocation',
  /** A miner's Final tells of other ticks than the chain that ends in its head. */
  'forked-chain',
  /** A validator called a true value false. */
  'false-accusation',
] as const
export type FraudKind = (typeof fraudKinds)[number]

export const fraudCodec = cborCodec(
  z.looseObject({
    /** One of `fraudKinds`, or of a later version. */
    kind: z.string().regex(/^[a-z-]{1,32}$/),
    /** PeerId: the miner itself, or the validator that spoke of it. */
    accused: peerIdText(),
    /** Whose work it is about. */
    miner: peerIdText(),
    gpu: text(64),
    /** The round that started the slot. */
    slot: integer(1, Number.MAX_SAFE_INTEGER),
    /** A committed value, or a chain alone; for all kinds but an equivocation. */
    shown: shown.optional(),
    /** Two signed claims of the miner; for an equivocation. */
    claims: z.array(bytesUpTo(CLAIM_BYTES)).length(2).optional(),
  }),
  noticesTopic.maxBytes - ENVELOPE_BYTES,
)
export type Fraud = Message<typeof fraudCodec>
export type ShownValue = NonNullable<Fraud['shown']>
/** The work that is shown; a fork shows nothing but a chain, whose pulse says which. */
export const workOf = ({ element, page, pulses }: ShownValue): 'gemm' | 'residency' => {
  if (element === undefined && page === undefined) {
    return pulses.gemm === undefined ? 'residency' : 'gemm'
  }
  return element === undefined ? 'residency' : 'gemm'
}

/** A proof of fraud that anyone may publish; what the bytes alone show of its shape. */
export const fraudKind: RecordKind<Fraud> = {
  type: recordTypes.fraud,
  codec: fraudCodec,
  check({ payload }): Verdict {
    const { kind, accused, miner, claims } = payload
    if (!isKnown(kind)) return { ignore: `a fraud of kind ${kind} is not known here` }
    // A miner gives no verdict on itself.
    if ((kind === 'false-accusation') === (accused === miner)) {
      return { reject: 'accuses somebody else' }
    }
    if ((kind === 'equivocation') !== (claims !== undefined)) {
      return { reject: 'claims where none belong' }
    }
    return shapeFault(payload) ?? 'accept'
  },
}

const isKnown = (kind: string): kind is FraudKind =>
  (fraudKinds as readonly string[]).includes(kind)

function shapeFault({ kind, shown }: Fraud): Verdict | null {
  if (kind === 'equivocation') return shown === undefined ? null : { reject: 'shows a value too' }
  if (shown === undefined) return { reject: 'shows no value' }
  const { element, page, pulses, at } = shown
  const ofChain = pulses.gemm !== undefined
  const ofPasses = pulses.fill !== undefined && pulses.start !== undefined
  if (kind === 'forked-chain') {
    const alone = element === undefined && page === undefined && at.length === 0
    return alone && ofChain !== ofPasses ? null : { reject: 'shows no chain alone' }
  }
  const gemm = element !== undefined && ofChain && at.length === 3
  const residency = page !== undefined && ofPasses && at.length === 2
  const one = (element === undefined) !== (page === undefined)
  return one && (gemm || residency) ? null : { reject: 'shows no whole value' }
}

/** A signed tick or Final of a slot, opened. */
export type SignedClaim = { readonly peerId: string } & (
  | { readonly isFinal: false; readonly claim: TickClaim }
  | { readonly isFinal: true; readonly claim: FinalClaim }
)

/** Opens a tick or Final; throws BAD_MESSAGE on anything else. */
export function openClaim(net: Network, record: Uint8Array): SignedClaim {
  const raw = peekRecord(net, record)
  const peerId = peerIdOfKey(raw.publicKey)
  if (raw.type === recordTypes.final) {
    return { isFinal: true, peerId, claim: openPeeked(net, raw, finalCodec, record).payload }
  }
  if (raw.type === recordTypes.tick) {
    return { isFinal: false, peerId, claim: openPeeked(net, raw, tickCodec, record).payload }
  }
  throw noClaim(raw)
}

/** The same of a record that was looked at before, its signature checked elsewhere; rejects with BAD_MESSAGE. */
export async function openClaimAside(
  net: Network,
  raw: RawRecord,
  record: Uint8Array,
  isRight: CheckSignature,
): Promise<SignedClaim> {
  const peerId = peerIdOfKey(raw.publicKey)
  if (raw.type === recordTypes.final) {
    const { payload } = await openPeekedAside(net, raw, finalCodec, record, isRight)
    return { isFinal: true, peerId, claim: payload }
  }
  if (raw.type === recordTypes.tick) {
    const { payload } = await openPeekedAside(net, raw, tickCodec, record, isRight)
    return { isFinal: false, peerId, claim: payload }
  }
  throw noClaim(raw)
}

const noClaim = ({ type }: RawRecord): NodeError =>
  new NodeError('BAD_MESSAGE', `record type ${type} is neither a tick nor a Final`)

/**
 * Whether two claims of one peer cannot both be true: of one slot, device and work, they say different things under one
 * number, close twice, go on after the close, take back what was done, or one is a tick that the close tells otherwise.
 * Nothing rests on a locality chain, so whatever is said of it proves nothing.
 */
export function contradict(a: SignedClaim, b: SignedClaim): boolean {
  const [x, y] = [a.claim, b.claim]
  const sameWork = x.slot === y.slot && x.gpu === y.gpu && x.work === y.work
  if (a.peerId !== b.peerId || !sameWork || x.work === 'locality') return false
  if (x.k === y.k && (x.count !== y.count || Buffer.compare(x.head, y.head) !== 0)) return true
  if (a.isFinal && b.isFinal) return x.k !== y.k || !sameTicks(a.claim, b.claim)
  if (a.isFinal) return !tellsOf(a.claim.ticks, y)
  if (b.isFinal) return !tellsOf(b.claim.ticks, x)
  return x.k < y.k ? x.count > y.count : y.count > x.count
}

const sameTicks = (a: FinalClaim, b: FinalClaim): boolean => Buffer.compare(a.ticks, b.ticks) === 0

/** What is wrong with an accusation of equivocation, or null; everything it takes is in its bytes. */
export function equivocationFault(
  net: Network,
  { claims, slot, gpu, accused }: Fraud,
): string | null {
  try {
    const [a, b] = (claims ?? []).map((record) => openClaim(net, record))
    if (a === undefined || b === undefined) return 'there are not two claims'
    if (a.peerId !== accused || a.claim.slot !== slot || a.claim.gpu !== gpu) {
      return 'its claims are about something else'
    }
    return contradict(a, b) ? null : 'its claims agree'
  } catch (error) {
    return messageOf(error)
  }
}

/** The Final of a shown value, if the miner signed it for this slot, device and work; null when it did not. */
export function finalOf(net: Network, { shown, slot, gpu, miner }: Fraud): FinalClaim | null {
  if (shown === undefined) return null
  try {
    const { isFinal, peerId, claim } = openClaim(net, shown.final)
    const itsOwn = claim.slot === slot && claim.gpu === gpu && claim.work === workOf(shown)
    return isFinal && peerId === miner && itsOwn ? claim : null
  } catch {
    return null // not signed by anyone: it proves nothing
  }
}

/** Signs a proof of fraud; throws BAD_MESSAGE when it is too large to travel. */
export const sealFraud = (net: Network, key: RecordKey, value: Fraud): Signed<Fraud> =>
  sealRecord(net, recordTypes.fraud, fraudCodec, key, value)
