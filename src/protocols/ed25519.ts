import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat, equalBytes } from '../bytes.ts'
import { type NodeKey, nodeCrypto } from '../node-builtins.ts'

/** Whether an ed25519 signature is right; never throws. Node and pages say the same of every input. */
export function verifySignature(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return nodeCrypto === undefined
      ? verifyInJs(publicKey, message, signature)
      : nodeCrypto.verify(null, message, keyOf(nodeCrypto, publicKey), signature)
  } catch {
    return false // bytes that are no point of the curve
  }
}

const SPKI_ED25519 = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0)

/** Making one takes a third of a check's time, and a hundred miners send tick after tick. */
const keys = new Map<string, NodeKey>()
const MOST_KEYS = 4096

/** Throws on bytes that are no point of the curve. */
function keyOf(crypto: NonNullable<typeof nodeCrypto>, publicKey: Uint8Array): NodeKey {
  const name = String.fromCharCode(...publicKey)
  const known = keys.get(name)
  if (known !== undefined) return known
  const der = concat([SPKI_ED25519, publicKey])
  const key = crypto.createPublicKey({ key: der, format: 'der', type: 'spki' })
  if (keys.size >= MOST_KEYS) keys.delete(keys.keys().next().value!)
  keys.set(name, key)
  return key
}

const { Point } = ed25519

/**
 * As OpenSSL checks: S below the group's order, neither key nor R of small order, the equation without the cofactor, and R
 * compared as bytes (RFC 8032 §5.1.7 leaves the cofactor open; libraries that multiply by it accept signatures that Node refuses).
 */
function verifyInJs(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false
  const r = signature.subarray(0, 32)
  const s = littleEndian(signature.subarray(32))
  if (s >= Point.Fn.ORDER) return false
  const a = Point.fromBytes(publicKey, true)
  const k = littleEndian(sha512(concat([r, publicKey, message]))) % Point.Fn.ORDER
  const expected = Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k))
  if (a.isSmallOrder() || expected.isSmallOrder()) return false
  return equalBytes(expected.toBytes(), r)
}

function littleEndian(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}
