/**
 * Hashing rules of the proof. Every use of SHA-256 starts with its own tag byte, so that no value can play two roles:
 * a node of a tree is never taken for a leaf, a tick never for a root (notes: gpu-protocol §6).
 */
import { sha256 } from '../bytes.ts'

export type Bytes = Uint8Array

const TAGS = { leaf: 0, node: 1, tickStart: 2, tick: 3, transcript: 4, passKey: 5, hop: 6 } as const
export type HashRole = keyof typeof TAGS

/** Where tag and parts are put together; trees take thousands of such hashes. */
let scratch = new Uint8Array(4096)

/** SHA-256 over the role's tag byte and the parts, 32 B. */
export function taggedHash(role: HashRole, ...parts: readonly Bytes[]): Bytes {
  let length = 1
  for (const part of parts) length += part.length
  if (length > scratch.length) scratch = new Uint8Array(2 * length)
  scratch[0] = TAGS[role]
  let at = 1
  for (const part of parts) {
    scratch.set(part, at)
    at += part.length
  }
  return sha256(scratch.subarray(0, length))
}

/** An unsigned 32-bit integer, big-endian. */
export function u32(value: number): Bytes {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value)
  return bytes
}
