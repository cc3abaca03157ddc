import { DispatchFailure } from '../runtime.ts'
import type { Storage } from '../storage.ts'
import { addressArg, bigintArg, type Call, type Handlers } from './call.ts'

/** An account with less than this many rao ceases to exist. */
export const EXISTENTIAL_DEPOSIT = 500n

interface AccountJson {
  nonce: number
  consumers: number
  providers: number
  sufficients: number
  data: Record<string, unknown>
}

/** Free rao of an account. */
export const freeOf = (storage: Storage, address: string): bigint =>
  BigInt(String(storage.json<AccountJson>('system', 'account', address).data['free'] ?? 0))

/** Writes an account's free rao and keeps the rest of its record. */
export function putFree(storage: Storage, address: string, free: bigint): void {
  const account = storage.json<AccountJson>('system', 'account', address)
  const providers = free >= EXISTENTIAL_DEPOSIT ? 1 : 0
  const data = { ...account.data, free: free.toString() }
  storage.put('system', 'account', [address], { ...account, providers, data })
}

export const nonceOf = (storage: Storage, address: string): number =>
  storage.json<AccountJson>('system', 'account', address).nonce

export function putNonce(storage: Storage, address: string, nonce: number): void {
  const account = storage.json<AccountJson>('system', 'account', address)
  storage.put('system', 'account', [address], { ...account, nonce })
}

/** Takes rao out of circulation, as registration does; `pallet.error` when there are too few. */
export function burn(call: Call, rao: bigint, lacking: DispatchFailure): void {
  const free = freeOf(call.storage, call.who)
  if (free < rao + EXISTENTIAL_DEPOSIT) throw lacking
  putFree(call.storage, call.who, free - rao)
  const issued = call.storage.bigint('balances', 'totalIssuance')
  call.storage.put('balances', 'totalIssuance', [], issued - rao)
  call.emit('Balances', 'Withdraw', [call.who, rao])
}

const token = (name: string): DispatchFailure => new DispatchFailure(name, { Token: name })

function transfer(call: Call, to: string, rao: bigint, keepAlive: boolean): void {
  const { storage, who } = call
  const rest = freeOf(storage, who) - rao
  if (rest < 0n) throw token('FundsUnavailable')
  if (keepAlive && rest < EXISTENTIAL_DEPOSIT) throw token('NotExpendable')
  if (to !== who) {
    const before = freeOf(storage, to)
    if (before + rao < EXISTENTIAL_DEPOSIT) throw token('BelowMinimum')
    putFree(storage, who, rest)
    putFree(storage, to, before + rao)
    if (before === 0n) {
      call.emit('System', 'NewAccount', [to])
      call.emit('Balances', 'Endowed', [to, rao])
    }
    if (rest > 0n && rest < EXISTENTIAL_DEPOSIT) dust(call, rest)
  }
  call.emit('Balances', 'Transfer', [who, to, rao])
}

/** What is left of an account below the existential deposit is lost. */
function dust(call: Call, rest: bigint): void {
  putFree(call.storage, call.who, 0n)
  const issued = call.storage.bigint('balances', 'totalIssuance')
  call.storage.put('balances', 'totalIssuance', [], issued - rest)
  call.emit('System', 'KilledAccount', [call.who])
  call.emit('Balances', 'DustLost', [call.who, rest])
}

export const balancesCalls: Handlers = {
  'balances.transferKeepAlive': (call) =>
    transfer(call, addressArg(call, 0), bigintArg(call, 1), true),
  'balances.transferAllowDeath': (call) =>
    transfer(call, addressArg(call, 0), bigintArg(call, 1), false),
}
