import { blake2b } from '@noble/hashes/blake2.js'

/** BLAKE2b with 32 bytes, the hash of everything in Substrate. */
export const blake2 = (...parts: Uint8Array[]): Uint8Array =>
  blake2b(Buffer.concat(parts), { dkLen: 32 })

/** SCALE compact of a number below 2^30. */
export function compact(n: number): Uint8Array {
  if (n < 64) return Uint8Array.of(n << 2)
  const bytes = Buffer.alloc(n < 16_384 ? 2 : 4)
  if (n < 16_384) bytes.writeUInt16LE((n << 2) | 1)
  else bytes.writeUInt32LE(((n << 2) | 2) >>> 0)
  return bytes
}
