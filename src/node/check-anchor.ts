import type { Chain } from '../chain/chain.ts'
import { verifyHotkeySignature } from '../chain/keys.ts'
import { decodeAddress } from '../chain/ss58.ts'
import { codeOf, messageOf } from '../errors.ts'
import { encodeCommitment, flawInBinding } from '../protocols/binding.ts'
import type { Codec } from '../protocols/codec.ts'
import { createNetwork, type Network } from '../protocols/network.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import { provenRoot } from '../protocols/records-tree.ts'
import { openPeeked, peekRecord, recordTypes } from '../protocols/signed.ts'
import { type AnchorProof, fromHexText, parseProof, proofBinding } from './anchor-proof.ts'

export const anchorChecks = ['file', 'path', 'record', 'binding', 'chain'] as const

export interface AnchorCheck {
  readonly name: (typeof anchorChecks)[number]
  readonly ok: boolean
  /** What was found, or what is wrong. */
  readonly detail: string
}

/** What one file shows; of one that cannot be read, nothing but its first check. */
export interface AnchorFinding {
  readonly verdict: 'VALID' | 'INVALID'
  readonly file: string
  readonly id?: string
  readonly network?: string
  /** SS58 of who anchored it. */
  readonly hotkey?: string
  readonly block?: number
  /** Place in the block; null where it is not known. */
  readonly index?: number | null
  /** Who signed the record; absent where the file does not hold it. */
  readonly peerId?: string
  readonly checks: readonly AnchorCheck[]
}

type Findings = Omit<AnchorFinding, 'verdict' | 'file'>
const ok = (name: AnchorCheck['name'], detail: string): AnchorCheck => ({ name, ok: true, detail })
const bad = (name: AnchorCheck['name'], detail: string): AnchorCheck => ({
  name,
  ok: false,
  detail,
})

/** Opens the chain that a proof names. */
export type OpenChainOf = (net: Network) => Promise<Chain>

/**
 * Checks a proof by its own bytes: the path to the root, who signed the record, and whether that PeerId worked for the
 * hotkey under the same commitment; with a chain, also that the commitment stood there in its block. What is wrong with
 * the file is a finding and not thrown; an unreachable chain is.
 */
export async function checkAnchor(
  file: string,
  text: string,
  chainOf?: OpenChainOf,
): Promise<AnchorFinding> {
  let found: Findings
  try {
    found = await checksOf(parseProof(text), chainOf)
  } catch (error) {
    if (!codeOf(error).startsWith('BAD_MESSAGE')) throw error
    found = { checks: [bad('file', messageOf(error))] }
  }
  return { verdict: found.checks.every((one) => one.ok) ? 'VALID' : 'INVALID', file, ...found }
}

async function checksOf(proof: AnchorProof, chainOf: OpenChainOf | undefined): Promise<Findings> {
  const net = createNetwork(proof.network, proof.netuid, fromHexText(proof.genesis))
  const signer = signerOf(net, proof)
  const { hotkey, block, id } = proof
  const stands = chainOf === undefined ? undefined : await onChain(await chainOf(net), proof)
  return {
    ...{ id, network: net.name, hotkey, block, index: stands?.index ?? proof.index },
    ...(signer.peerId === undefined ? {} : { peerId: signer.peerId }),
    checks: [
      ok('file', `a record that ${hotkey} anchored on ${net.name}`),
      pathOf(proof),
      signer.check,
      ...bindingOf(net, proof, signer.publicKey),
      ...(stands === undefined ? [] : [stands.check]),
    ],
  }
}

function pathOf({ id, place, count, path, recordsRoot }: AnchorProof): AnchorCheck {
  const steps = { index: place, count, path: path.map(fromHexText) }
  const root = provenRoot(fromHexText(id), steps)
  return root !== undefined && Buffer.from(root).toString('hex') === recordsRoot
    ? ok('path', `record ${place + 1} of ${count}`)
    : bad('path', 'it does not lead to the root of the records')
}

interface Signer {
  readonly publicKey?: Uint8Array
  readonly peerId?: string
  readonly check: AnchorCheck
}

/** Its signature is checked, what it says is not read. */
const AS_IT_IS: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value }

const kindOf = (type: number): string =>
  Object.entries(recordTypes).find(([, number]) => number === type)?.[0] ?? `type ${type}`

function signerOf(net: Network, { id, record }: AnchorProof): Signer {
  if (record === null) return { check: ok('record', 'the file holds its id alone') }
  try {
    const bytes = new Uint8Array(Buffer.from(record, 'base64'))
    const raw = peekRecord(net, bytes)
    openPeeked(net, raw, AS_IT_IS, bytes)
    if (Buffer.from(raw.id).toString('hex') !== id)
      return { check: bad('record', 'the record has another id') }
    const peerId = peerIdOfKey(raw.publicKey)
    const { publicKey } = raw
    return { publicKey, peerId, check: ok('record', `${kindOf(raw.type)} signed by ${peerId}`) }
  } catch (error) {
    return { check: bad('record', messageOf(error)) }
  }
}

/** Whether the signer worked for the hotkey: without its binding or its record that is not shown, and not said. */
function bindingOf(
  net: Network,
  { binding: coded, hotkey, seq, bindingsRoot, recordsRoot, block }: AnchorProof,
  peerKey: Uint8Array | undefined,
): AnchorCheck[] {
  if (coded === null || peerKey === undefined) return []
  const binding = proofBinding.decode(new Uint8Array(Buffer.from(coded, 'base64')))
  if (Buffer.compare(binding.hotkey, decodeAddress(hotkey)) !== 0)
    return [bad('binding', 'it is of another hotkey')]
  const flaw = flawInBinding(binding, {
    ...{ net, peerKey, headBlock: block, checkHotkey: verifyHotkeySignature },
    commitment: {
      seq,
      bindingsRoot: fromHexText(bindingsRoot),
      recordsRoot: fromHexText(recordsRoot),
    },
  })
  return [
    flaw === undefined
      ? ok('binding', `${peerIdOfKey(peerKey)} worked for the hotkey`)
      : bad('binding', flaw),
  ]
}

async function onChain(
  chain: Chain,
  { netuid, hotkey, block, seq, bindingsRoot, recordsRoot, index }: AnchorProof,
): Promise<{ readonly check: AnchorCheck; readonly index: number | null }> {
  const place = await chain.commitmentIn(netuid, hotkey, block)
  const wanted = encodeCommitment({
    seq,
    bindingsRoot: fromHexText(bindingsRoot),
    recordsRoot: fromHexText(recordsRoot),
  })
  const told = (check: AnchorCheck) => ({ check, index: place?.index ?? index })
  if (place === undefined || Buffer.compare(place.bytes, wanted) !== 0)
    return told(bad('chain', `block ${block} holds no such commitment of ${hotkey}`))
  if (index !== null && place.index !== null && place.index !== index)
    return told(bad('chain', `it stands at place ${place.index} of block ${block}, not ${index}`))
  const where =
    place.index === null
      ? `block ${block}; the endpoint does not tell its place in it`
      : `block ${block}, transaction ${place.index}`
  const sure = place.isCertain
    ? ''
    : '; whether it succeeded only an archive node tells, which has the state of that block'
  return told(ok('chain', `committed in ${where}${sure}`))
}
