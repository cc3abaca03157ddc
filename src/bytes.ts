/** Bytes, in Node and in pages alike. */
import { sha256 as sha256InJs } from '@noble/hashes/sha2.js'
import { nodeBuffer, nodeCrypto } from './node-builtins.ts'

/** SHA-256, 32 B. A digest that Node hands over as text costs half of one in a buffer of its own. */
export const sha256 = (data: Uint8Array): Uint8Array =>
  nodeCrypto === undefined || nodeBuffer === undefined
    ? sha256InJs(data)
    : new Uint8Array(nodeBuffer.from(nodeCrypto.hash('sha256', data, 'binary'), 'binary'))

/** Below this a call into Node costs more than it saves. */
const FEW_BYTES = 64

/** Whether two byte strings are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  if (nodeBuffer !== undefined && a.length > FEW_BYTES) return nodeBuffer.compare(a, b) === 0
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** One buffer of its own memory holding all parts in order. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
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

const encoder = new TextEncoder()

/** Text as UTF-8. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** Lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

/** Bytes of hex that is known to be some. */
export const fromHex = (hex: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  )
