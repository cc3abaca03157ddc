import { blake2b } from '@noble/hashes/blake2.js'
import { base58btc } from 'multiformats/bases/base58'
import { NodeError } from '../errors.ts'

/** The address prefix of Bittensor and of every substrate chain without one of its own. */
const PREFIX = 42
const CONTEXT = Buffer.from('SS58PRE')
const CHECKSUM_BYTES = 2

const checksum = (body: Uint8Array): Uint8Array =>
  blake2b(Buffer.concat([CONTEXT, body])).subarray(0, CHECKSUM_BYTES)

/** The SS58 text of a 32-byte public key, e.g. `5Grw…`. */
export function encodeAddress(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw new NodeError('BAD_MESSAGE', 'a public key has 32 bytes')
  const body = Buffer.concat([Uint8Array.of(PREFIX), publicKey])
  return base58btc.baseEncode(Buffer.concat([body, checksum(body)]))
}

/** The 32-byte public key of an SS58 address; BAD_MESSAGE_ADDRESS on a typo or another chain's prefix. */
export function decodeAddress(address: string): Uint8Array {
  const bytes = decodeBase58(address)
  const body = bytes.subarray(0, 33)
  const right =
    bytes.length === 33 + CHECKSUM_BYTES &&
    bytes[0] === PREFIX &&
    Buffer.compare(checksum(body), bytes.subarray(33)) === 0
  if (!right) throw badAddress(address)
  return body.slice(1)
}

function decodeBase58(address: string): Uint8Array {
  if (address.length > 64) throw badAddress(address)
  try {
    return base58btc.baseDecode(address)
  } catch (cause) {
    throw badAddress(address, cause)
  }
}

const badAddress = (address: string, cause?: unknown): NodeError =>
  new NodeError('BAD_MESSAGE_ADDRESS', `${address.slice(0, 64)} is no SS58 address`, {
    ...(cause === undefined ? {} : { cause }),
    next: 'copy the address again; it starts with 5 and has 48 characters',
  })
