/**
 * Hashing rules of the proof. Every use of SHA-256 starts with its own tag byte, so that no value can play two roles:
 * a node of a tree is never taken for a leaf, a tick never for a root (notes: gpu-protocol §6).
 */
import { hash } from 'node:crypto'

export type Bytes = Uint8Array

const TAGS = { leaf: 0, node: 1, tickStart: 2, tick: 3, transcript: 4, passKey: 5, hop: 6 } as const
export type HashRole = keyof typeof TAGS

/** One buffer of its own memory holding all parts in order. */
export function concat(parts: readonly Bytes[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Plain SHA-256, 32 B. */
export const sha256 = (data: Bytes): Bytes => new Uint8Array(hash('sha256', data, 'buffer'))

/** SHA-256 over the role's tag byte and the parts, 32 B. */
export const taggedHash = (role: HashRole, ...parts: readonly Bytes[]): Bytes =>
  sha256(concat([Uint8Array.of(TAGS[role]), ...parts]))

/** Whether two byte strings are the same. */
export const equalBytes = (a: Bytes, b: Bytes): boolean =>
  a.length === b.length && Buffer.compare(a, b) === 0

/** An unsigned 32-bit integer, big-endian. */
export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
