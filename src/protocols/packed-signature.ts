import { verifySignature } from './ed25519.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/**
 * A key (32 B), a signature (64 B) and what it signs as one array of its own memory: of a view, a message to a thread
 * would copy all that lies beside it.
 */
export function packSignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Uint8Array {
  const packed = new Uint8Array(KEY_BYTES + SIGNATURE_BYTES + message.length)
  packed.set(publicKey)
  packed.set(signature, KEY_BYTES)
  packed.set(message, KEY_BYTES + SIGNATURE_BYTES)
  return packed
}

/** Whether a packed signature is right; never throws. */
export const verifyPacked = (packed: Uint8Array): boolean =>
  verifySignature(
    packed.subarray(0, KEY_BYTES),
    packed.subarray(KEY_BYTES + SIGNATURE_BYTES),
    packed.subarray(KEY_BYTES, KEY_BYTES + SIGNATURE_BYTES),
  )
