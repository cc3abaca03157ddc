import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { messageOf, NodeError } from '../errors.ts'

/** Writing one takes some 8 µs, and a hundred miners send tick after tick. */
const known = new Map<string, string>()
const MOST_KNOWN = 4096

/** The PeerId text of a 32-byte ed25519 public key. */
export function peerIdOfKey(publicKey: Uint8Array): string {
  const name = Buffer.from(publicKey).toString('latin1')
  const before = known.get(name)
  if (before !== undefined) return before
  const peerId = peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString()
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
