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

/** Whole numbers up to 65535 in SCALE, one after another. */
export function u16s(numbers: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(2 * numbers.length)
  for (const [at, n] of numbers.entries()) bytes.writeUInt16LE(n, 2 * at)
  return bytes
}

/** A whole number as u64 in SCALE. */
export function u64(n: number): Uint8Array {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(n))
  return bytes
}
