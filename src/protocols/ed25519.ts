import { createPublicKey, type KeyObject, verify as verifyBytes } from 'node:crypto'

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex')

/** Making one takes a third of a check's time, and a hundred miners send tick after tick. */
const keyObjects = new Map<string, KeyObject>()
const MOST_KEY_OBJECTS = 4096

/** Throws on bytes that are no point of the curve. */
function keyObjectOf(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('latin1')
  const known = keyObjects.get(name)
  if (known !== undefined) return known
  const der = Buffer.concat([SPKI_ED25519, publicKey])
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
  if (keyObjects.size >= MOST_KEY_OBJECTS) keyObjects.delete(keyObjects.keys().next().value!)
  keyObjects.set(name, key)
  return key
}

/** Whether an ed25519 signature is right; never throws. */
export function verifySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verifyBytes(null, message, keyObjectOf(publicKey), signature)
  } catch {
    return false // bytes that are no point of the curve
  }
}
