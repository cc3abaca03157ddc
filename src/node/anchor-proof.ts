import { z } from 'zod'
import { decodeAddress, encodeAddress } from '../chain/ss58.ts'
import { NodeError } from '../errors.ts'
import { bindingSchema } from '../protocols/capability.ts'
import { cborCodec } from '../protocols/codec.ts'
import { integer } from '../protocols/fields.ts'
import type { Network } from '../protocols/network.ts'
import { MAX_ANCHORED, MAX_PATH, recordsTree } from '../protocols/records-tree.ts'
import { KiB, MiB } from '../units.ts'
import { type Anchor, unpackIds } from './anchor-file.ts'

/** What such a file begins with, in its own words. */
const KIND = 'compute-node/anchor-proof/1'
/** No record is larger than 128 KiB, and base64 adds a third. */
export const PROOF_MAX_BYTES = MiB

const hex32 = () => z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits')
const whole = (max: number) => integer(0, max)

/** The shape of such a file. */
export const proofSchema = z.strictObject({
  kind: z.literal(KIND),
  network: z.enum(['local', 'test', 'finney']),
  netuid: whole(0xffff),
  genesis: hex32(),
  /** SS58 of who anchored it. */
  hotkey: z.string().max(64),
  seq: whole(Number.MAX_SAFE_INTEGER),
  bindingsRoot: hex32(),
  recordsRoot: hex32(),
  block: whole(0xffffffff),
  /** Place of the transaction in its block; null where the chain did not tell it. */
  index: whole(0xffffffff).nullable(),
  id: hex32(),
  /** Its place among the ids, and how many there are. */
  place: whole(MAX_ANCHORED),
  count: whole(MAX_ANCHORED),
  path: z.array(hex32()).max(MAX_PATH),
  /** The record as it travels; null when the node that anchored it kept it no longer. */
  record: z.base64().nullable(),
  /** The PeerId's binding under the same commitment, CBOR; null where it held none. */
  binding: z.base64().nullable(),
})
/** A record's proof as a file holds it. */
export type AnchorProof = z.infer<typeof proofSchema>

/** A binding as such a file carries it. */
export const proofBinding = cborCodec(bindingSchema, 4 * KiB)

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const fromHexText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const base64 = (bytes: Uint8Array | undefined): string | null =>
  bytes === undefined ? null : Buffer.from(bytes).toString('base64')

/**
 * Reads such a file.
 * @throws BAD_MESSAGE naming the first field that is wrong
 */
export function parseProof(text: string): AnchorProof {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new NodeError('BAD_MESSAGE', 'it is no JSON', { cause })
  }
  const parsed = proofSchema.safeParse(value)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new NodeError('BAD_MESSAGE', `${issue?.path.join('.') || 'file'}: ${issue?.message}`)
  }
  decodeAddress(parsed.data.hotkey)
  return parsed.data
}

/** The first of some anchors, oldest first, that stands and holds a record: the earliest is what counts. */
export const earliestAnchor = (
  anchors: readonly Anchor[],
  id: Uint8Array,
): (Anchor & { readonly block: number }) | undefined =>
  anchors.find(
    (anchor): anchor is Anchor & { readonly block: number } =>
      anchor.block !== undefined &&
      unpackIds(anchor.ids).some((one) => Buffer.compare(one, id) === 0),
  )

/** The proof that an anchor holds a record. */
export function makeProof(
  net: Network,
  anchor: Anchor & { readonly block: number },
  id: Uint8Array,
  record: Uint8Array | undefined,
): AnchorProof {
  const { index: place, count, path } = recordsTree(unpackIds(anchor.ids)).prove(id)!
  const { hotkey, seq, bindingsRoot, recordsRoot, block, index, binding } = anchor
  return {
    kind: KIND,
    ...{ network: net.network, netuid: net.netuid, genesis: hex(net.genesis) },
    hotkey: encodeAddress(hotkey),
    ...{ seq, bindingsRoot: hex(bindingsRoot), recordsRoot: hex(recordsRoot) },
    ...{ block, index: index ?? null },
    ...{ id: hex(id), place, count, path: path.map(hex) },
    record: base64(record),
    binding: base64(binding && proofBinding.encode(binding)),
  }
}
