import { NodeError } from '../../errors.ts'

/** An escrow as the ledger keeps it; keys and ids in hex. */
export interface LedgerEscrow {
  readonly leaseId: string
  readonly renter: string
  readonly miner: string
  readonly deposit: bigint
  readonly claimed: bigint
  readonly expiresAtMs: number
  readonly state: 'open' | 'closed'
}

/** A ledger in DEV: who has what, and what escrows hold. Values only; `apply…` gives what changes. */
export interface LedgerView {
  balance(account: string): bigint
  escrow(leaseId: string): LedgerEscrow | undefined
  /** Whether the faucet gave this account its grant. */
  granted(account: string): boolean
}

/** What one operation changes; the sum of balances and open escrows stays the same. */
export interface LedgerChange {
  readonly balances: ReadonlyMap<string, bigint>
  readonly escrow?: LedgerEscrow
  readonly granted?: string
}

/** The account that starts with everything; no key signs for it. */
export const FAUCET = 'faucet'

const DEV = 1_000_000n

/** All there will ever be. */
export const SUPPLY = 1_000_000_000n * DEV

/** What the faucet gives each account, once. */
export const GRANT = 1000n * DEV

const NONE: LedgerChange = { balances: new Map() }

/** Gives an account its one grant; asking again changes nothing. CHAIN_NO_FUNDS when the faucet is empty. */
export function grant(ledger: LedgerView, account: string): LedgerChange {
  if (ledger.granted(account)) return NONE
  return { balances: moved(ledger, FAUCET, account, GRANT), granted: account }
}

/**
 * Locks a deposit for a lease. The same escrow again changes nothing; another one under the same lease is
 * REFUSED_ESCROW, a deposit above the balance CHAIN_NO_FUNDS.
 */
export function open(
  ledger: LedgerView,
  terms: Omit<LedgerEscrow, 'claimed' | 'state'>,
  nowMs: number,
): LedgerChange {
  const known = ledger.escrow(terms.leaseId)
  if (known !== undefined) {
    const same =
      known.renter === terms.renter &&
      known.miner === terms.miner &&
      known.deposit === terms.deposit &&
      known.expiresAtMs === terms.expiresAtMs
    if (same) return NONE
    throw refused('this lease has another escrow already')
  }
  if (terms.deposit <= 0n) throw refused('a deposit must be above zero')
  if (terms.renter === terms.miner) throw refused('renter and miner are one account')
  if (terms.expiresAtMs <= nowMs) throw refused('the escrow has expired already')
  const has = ledger.balance(terms.renter)
  if (has < terms.deposit) throw noFunds(has, terms.deposit)
  return {
    balances: new Map([[terms.renter, has - terms.deposit]]),
    escrow: { ...terms, claimed: 0n, state: 'open' },
  }
}

/** Closes an escrow as its miner: `cumulative` is paid, the rest goes back. Repeating it changes nothing. */
export function settle(ledger: LedgerView, leaseId: string, cumulative: bigint): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.state === 'closed') {
    if (escrow.claimed === cumulative) return NONE
    throw refused('the escrow is closed with another amount')
  }
  return closed(ledger, escrow, cumulative)
}

/** Closes an escrow as its renter once it has expired: all goes back. Repeating it changes nothing. */
export function reclaim(ledger: LedgerView, leaseId: string, nowMs: number): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.state === 'closed') return NONE
  if (nowMs < escrow.expiresAtMs) throw refused('the escrow has not expired yet')
  return closed(ledger, escrow, 0n)
}

function closed(ledger: LedgerView, escrow: LedgerEscrow, claimed: bigint): LedgerChange {
  const { renter, miner, deposit } = escrow
  if (claimed < 0n || claimed > deposit) throw refused('the amount is above the deposit')
  return {
    balances: new Map([
      [miner, ledger.balance(miner) + claimed],
      [renter, ledger.balance(renter) + deposit - claimed],
    ]),
    escrow: { ...escrow, claimed, state: 'closed' },
  }
}

function moved(ledger: LedgerView, from: string, to: string, amount: bigint) {
  const has = ledger.balance(from)
  if (has < amount) throw noFunds(has, amount)
  return new Map([
    [from, has - amount],
    [to, ledger.balance(to) + amount],
  ])
}

function known(ledger: LedgerView, leaseId: string): LedgerEscrow {
  const escrow = ledger.escrow(leaseId)
  if (escrow === undefined) throw refused('there is no escrow for this lease')
  return escrow
}

const refused = (message: string): NodeError => new NodeError('CHAIN_REFUSED', message)

const noFunds = (has: bigint, wanted: bigint): NodeError =>
  new NodeError('CHAIN_NO_FUNDS', `the account has ${has} base units, ${wanted} are wanted`)
