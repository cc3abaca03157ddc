/** Bytes as lowercase hex with 0x, as JSON-RPC carries them. */
export const toHex = (bytes: Uint8Array): `0x${string}` => `0x${Buffer.from(bytes).toString('hex')}`

/** Bytes of hex with or without 0x; undefined when it is none, or longer than `maxBytes`. */
export function fromHex(text: unknown, maxBytes: number): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length > 2 * maxBytes + 2) return undefined
  if (!/^(0x)?([0-9a-fA-F]{2})*$/.test(text)) return undefined
  return Uint8Array.from(Buffer.from(text.startsWith('0x') ? text.slice(2) : text, 'hex'))
}
