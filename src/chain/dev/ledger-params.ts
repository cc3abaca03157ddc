import { fromHex } from '../hex.ts'
import { verifyHotkeySignature } from '../keys.ts'
import { MAX_AMOUNT } from '../ledger-bytes.ts'
import { badParams, RpcError } from './rpc-error.ts'

/** The one object of parameters that a ledger call takes. */
export type Params = Readonly<Record<string, unknown>>

export function objectIn(params: readonly unknown[]): Params {
  const [first] = params
  if (typeof first !== 'object' || first === null) throw badParams('one object is wanted')
  return first as Params
}

/** Bytes of exactly this length. */
export function bytesIn(params: Params, name: string, length: number): Uint8Array {
  const found = fromHex(params[name], length)
  if (found?.length !== length) throw badParams(`${name} must be ${length} bytes in hex`)
  return found
}

/** Base units. */
export function amountIn(params: Params, name: string): bigint {
  const text = params[name]
  if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,19})$/.test(text) || BigInt(text) > MAX_AMOUNT)
    throw badParams(`${name} must be whole base units as text`)
  return BigInt(text)
}

/** Unix ms. */
export function timeIn(params: Params, name: string): number {
  const ms = params[name]
  if (!Number.isSafeInteger(ms) || (ms as number) < 0) throw badParams(`${name} must be unix ms`)
  return ms as number
}

/** A share in 1/10,000. */
export function bpsIn(params: Params, name: string): number {
  const bps = params[name]
  if (!Number.isInteger(bps) || (bps as number) < 0 || (bps as number) > 10_000)
    throw badParams(`${name} must be 0 to 10000`)
  return bps as number
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Throws unless `key` signed the message. */
export function assertSigned(key: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
  if (!verifyHotkeySignature('ed25519', key, message, signature))
    throw new RpcError(-32001, 'the signature is wrong, or of another chain')
}
