import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { messageOf, NodeError } from '../errors.ts'

/** The PeerId text of a 32-byte ed25519 public key. */
export const peerIdOfKey = (publicKey: Uint8Array): string =>
  peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString()

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
