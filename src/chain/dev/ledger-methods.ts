import { fromHex } from '../hex.ts'
import { verifyHotkeySignature } from '../keys.ts'
import {
  faucetBytes,
  MAX_AMOUNT,
  openBytes,
  reclaimBytes,
  settleBytes,
  voucherBytes,
} from '../ledger-bytes.ts'
import { GRANT, grant, open, reclaim, settle } from './ledger.ts'
import { escrowJson, type LedgerBook } from './ledger-book.ts'
import { badParams, RpcError } from './rpc-error.ts'
import type { Methods } from './rpc-server.ts'

type Params = Readonly<Record<string, unknown>>

/** Bytes of exactly this length. */
function bytes(params: Params, name: string, length: number): Uint8Array {
  const found = fromHex(params[name], length)
  if (found?.length !== length) throw badParams(`${name} must be ${length} bytes in hex`)
  return found
}

function amount(params: Params, name: string): bigint {
  const text = params[name]
  if (typeof text !== 'string' || !/^(0|[1-9][0-9]{0,19})$/.test(text) || BigInt(text) > MAX_AMOUNT)
    throw badParams(`${name} must be whole base units as text`)
  return BigInt(text)
}

function time(params: Params, name: string): number {
  const ms = params[name]
  if (!Number.isSafeInteger(ms) || (ms as number) < 0) throw badParams(`${name} must be unix ms`)
  return ms as number
}

const hex = (key: Uint8Array): string => Buffer.from(key).toString('hex')

function assertSigned(key: Uint8Array, message: Uint8Array, signature: Uint8Array): void {
  if (!verifyHotkeySignature('ed25519', key, message, signature))
    throw new RpcError(-32001, 'the signature is wrong, or of another chain')
}

/**
 * The ledger over JSON-RPC: every change is signed by the ed25519 key of the account it concerns, over bytes that
 * name the operation and this chain. One object of parameters per call.
 */
export function ledgerMethods(book: LedgerBook, genesis: Uint8Array, nowMs: () => number): Methods {
  const escrow = (leaseId: string) => {
    const found = book.escrow(leaseId)
    return found === undefined ? null : escrowJson(found)
  }
  const object = (params: readonly unknown[]): Params => {
    const [first] = params
    if (typeof first !== 'object' || first === null) throw badParams('one object is wanted')
    return first as Params
  }
  return {
    cn_ledgerInfo: () => ({ asset: 'DEV', decimals: 6, grant: GRANT.toString() }),
    cn_ledgerTotal: () => book.total().toString(),
    cn_ledgerBalance: (params) => {
      return book.balance(hex(bytes(object(params), 'account', 32))).toString()
    },
    cn_ledgerEscrow: (params) => escrow(hex(bytes(object(params), 'leaseId', 32))),
    async cn_ledgerFaucet(params) {
      const asked = object(params)
      const account = bytes(asked, 'account', 32)
      assertSigned(account, faucetBytes(genesis, account), bytes(asked, 'signature', 64))
      await book.apply((ledger) => grant(ledger, hex(account)))
      return book.balance(hex(account)).toString()
    },
    async cn_ledgerOpen(params) {
      const asked = object(params)
      const [leaseId, renter, miner] = ['leaseId', 'renter', 'miner'].map((name) =>
        bytes(asked, name, 32),
      ) as [Uint8Array, Uint8Array, Uint8Array]
      const terms = { deposit: amount(asked, 'deposit'), expiresAtMs: time(asked, 'expiresAtMs') }
      const message = openBytes(genesis, { leaseId, renter, miner, ...terms })
      assertSigned(renter, message, bytes(asked, 'signature', 64))
      const parties = { leaseId: hex(leaseId), renter: hex(renter), miner: hex(miner) }
      await book.apply((ledger) => open(ledger, { ...parties, ...terms }, nowMs()))
      return escrow(parties.leaseId)
    },
    async cn_ledgerSettle(params) {
      const asked = object(params)
      const leaseId = bytes(asked, 'leaseId', 32)
      const cumulative = amount(asked, 'cumulative')
      const { renter, miner } = parties(book, hex(leaseId))
      const signature = bytes(asked, 'signature', 64)
      assertSigned(miner, settleBytes(genesis, leaseId, cumulative), signature)
      if (cumulative > 0n) {
        const voucher = bytes(asked, 'voucher', 64)
        assertSigned(renter, voucherBytes(genesis, leaseId, cumulative), voucher)
      }
      await book.apply((ledger) => settle(ledger, hex(leaseId), cumulative))
      return escrow(hex(leaseId))
    },
    async cn_ledgerReclaim(params) {
      const asked = object(params)
      const leaseId = bytes(asked, 'leaseId', 32)
      const { renter } = parties(book, hex(leaseId))
      assertSigned(renter, reclaimBytes(genesis, leaseId), bytes(asked, 'signature', 64))
      await book.apply((ledger) => reclaim(ledger, hex(leaseId), nowMs()))
      return escrow(hex(leaseId))
    },
  }
}

function parties(book: LedgerBook, leaseId: string): { renter: Uint8Array; miner: Uint8Array } {
  const found = book.escrow(leaseId)
  if (found === undefined) throw new RpcError(-32001, 'there is no escrow for this lease')
  return { renter: fromHex(found.renter, 32)!, miner: fromHex(found.miner, 32)! }
}
