import { decode, encode } from 'cborg'
import type { z } from 'zod'
import { equalBytes } from '../bytes.ts'
import { messageOf, NodeError } from '../errors.ts'

/** A trusted value to bytes and untrusted bytes to a trusted value; `decode` throws BAD_MESSAGE on anything else. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(bytes: Uint8Array): T
}

export type Message<C> = C extends Codec<infer T> ? T : never

/** DESIGN.md, "Bytes": nesting deeper than this is refused. */
const MAX_DEPTH = 16

const bad = (message: string, cause?: unknown): never => {
  throw new NodeError('BAD_MESSAGE', message, cause === undefined ? {} : { cause })
}

/** Only integers, text, bytes, booleans, null, arrays and text-keyed maps have a place on the wire. */
function assertPlain(value: unknown, depth: number): void {
  if (depth > MAX_DEPTH) bad(`nested deeper than ${MAX_DEPTH}`)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0))
      bad('numbers must be integers below 2^53')
    return
  }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (value instanceof Uint8Array) return
  if (typeof value !== 'object') bad(`a ${typeof value} has no place on the wire`)
  const items = Array.isArray(value) ? value : Object.values(value as object)
  for (const item of items) assertPlain(item, depth + 1)
}

/** CBOR arrays and maps may nest as deep as the bytes are long: bounded before the recursive decoder runs. */
function assertShallow(bytes: Uint8Array): void {
  const open: number[] = []
  for (let at = 0; at < bytes.length; ) {
    const { major, length, next } = readHead(bytes, at)
    at = major === 2 || major === 3 ? next + length : next
    if (major === 4 || major === 5) {
      if (open.length >= MAX_DEPTH) bad(`nested deeper than ${MAX_DEPTH}`)
      open.push(major === 4 ? length : 2 * length)
    } else if (major === 6) bad('tags have no place on the wire')
    else if (open.length > 0) open[open.length - 1]! -= 1
    while (open.length > 0 && open.at(-1) === 0) {
      open.pop()
      if (open.length > 0) open[open.length - 1]! -= 1
    }
  }
}

/** The next CBOR item head: major type, its length or value, and where its content starts (RFC 8949 §3). */
function readHead(bytes: Uint8Array, at: number): { major: number; length: number; next: number } {
  const first = bytes[at]!
  const major = first >> 5
  const info = first & 31
  if (info < 24) return { major, length: info, next: at + 1 }
  const size = [1, 2, 4, 8][info - 24]
  if (size === undefined || at + 1 + size > bytes.length) return bad('not canonical CBOR')
  let length = 0
  for (let i = 0; i < size; i++) length = length * 256 + bytes[at + 1 + i]!
  return { major, length, next: at + 1 + size }
}

/**
 * Encodes a plain value as the one CBOR encoding it has: shortest heads, map keys sorted by length and then bytewise
 * (RFC 7049 §3.9), no floats, no tags, keys whose value is undefined left out.
 */
export function encodeCbor(value: unknown): Uint8Array {
  const plain = withoutUndefined(value)
  assertPlain(plain, 0)
  return encode(plain)
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  const prototype: unknown = Object.getPrototypeOf(value)
  // A Map or a Date has no entries of its own: it would travel as an empty map.
  if (prototype !== Object.prototype && prototype !== null)
    bad('an instance has no place on the wire')
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, withoutUndefined(item)]),
  )
}

/** Decodes canonical CBOR and nothing else: what re-encodes differently is refused as BAD_MESSAGE. */
export function decodeCbor(bytes: Uint8Array): unknown {
  assertShallow(bytes)
  let value: unknown
  try {
    value = decode(bytes, { strict: true, rejectDuplicateMapKeys: true, allowIndefinite: false })
  } catch (cause) {
    return bad(`not canonical CBOR: ${messageOf(cause)}`, cause)
  }
  assertPlain(value, 0)
  if (!equalBytes(encode(value), bytes)) bad('not canonical CBOR: it has another encoding')
  return value
}

/**
 * The codec of a zod schema. Use `z.looseObject`, so that keys unknown to this version are kept and re-encode to the
 * same bytes (forward compatibility, DESIGN.md "Bytes").
 */
export function cborCodec<T>(schema: z.ZodType<T>, maxBytes: number): Codec<T> {
  return {
    encode(value) {
      const bytes = encodeCbor(value)
      if (bytes.length > maxBytes) bad(`${bytes.length} bytes, at most ${maxBytes} allowed`)
      return bytes
    },
    decode(bytes) {
      if (bytes.length > maxBytes) bad(`${bytes.length} bytes, at most ${maxBytes} allowed`)
      const parsed = schema.safeParse(decodeCbor(bytes))
      if (parsed.success) return parsed.data
      const issue = parsed.error.issues[0]
      return bad(`${issue?.path.join('.') || 'message'}: ${issue?.message}`)
    },
  }
}
