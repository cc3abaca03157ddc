import { peerIdFromString } from '@libp2p/peer-id'
import { base58btc } from 'multiformats/bases/base58'
import { concat } from '../bytes.ts'
import { messageOf, NodeError } from '../errors.ts'

/** Writing one takes some 8 µs, and a hundred miners send tick after tick. */
const known = new Map<string, string>()
const MOST_KNOWN = 4096

/** An identity multihash of 36 bytes: the protobuf of an ed25519 key, whose 32 bytes follow (libp2p specs, peer-ids). */
const ED25519_PREFIX = Uint8Array.of(0, 36, 8, 1, 18, 32)

/** The PeerId text of a 32-byte ed25519 public key; runs in pages too. */
export function peerIdOfKey(publicKey: Uint8Array): string {
  const name = String.fromCharCode(...publicKey)
  const before = known.get(name)
  if (before !== undefined) return before
  const peerId = base58btc.baseEncode(concat([ED25519_PREFIX, publicKey]))
  if (known.size >= MOST_KNOWN) known.delete(known.keys().next().value!)
  known.set(name, peerId)
  return peerId
}

/** The 32-byte ed25519 key inside a PeerId's text; BAD_MESSAGE for text that holds no such key. */
export function keyOfPeerId(text: string): Uint8Array {
  try {
    const { publicKey } = peerIdFromString(text)
    if (publicKey?.type === 'Ed25519') return publicKey.raw
  } catch (cause) {
    throw new NodeError('BAD_MESSAGE', `${text} is no PeerId: ${messageOf(cause)}`, { cause })
  }
  throw new NodeError('BAD_MESSAGE', `${text} is not the PeerId of an ed25519 key`)
}
