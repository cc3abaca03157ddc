import { NodeError } from '../../errors.ts'

/** An escrow as the ledger keeps it; keys and ids in hex. */
export interface LedgerEscrow {
  readonly leaseId: string
  readonly renter: string
  readonly miner: string
  readonly deposit: bigint
  /** What was taken for the miner, the fee included. */
  readonly claimed: bigint
  readonly expiresAtMs: number
  readonly state: 'open' | 'disputed' | 'closed'
  readonly arbiter?: string | undefined
  readonly fee?: { readonly bps: number; readonly to: string } | undefined
}

/** A payment as the ledger keeps it. */
export interface LedgerPayment {
  readonly txid: string
  readonly from: string
  readonly note: string
  readonly outputs: readonly { readonly to: string; readonly amount: bigint }[]
  readonly atMs: number
  readonly reversed: boolean
}

/** A ledger in DEV: who has what, and what escrows hold. Values only; `apply…` gives what changes. */
export interface LedgerView {
  balance(account: string): bigint
  escrow(leaseId: string): LedgerEscrow | undefined
  payment(txid: string): LedgerPayment | undefined
  /** The one payment of an account under a note. */
  paymentUnder(from: string, note: string): LedgerPayment | undefined
  /** Whether the faucet gave this account its grant. */
  granted(account: string): boolean
}

/** What one operation changes; the sum of balances and open escrows stays the same. */
export interface LedgerChange {
  readonly balances: ReadonlyMap<string, bigint>
  readonly escrow?: LedgerEscrow
  readonly payment?: LedgerPayment
  readonly granted?: string
}

/** The account that starts with everything; no key signs for it. */
export const FAUCET = 'faucet'

const DEV = 1_000_000n

/** All there will ever be. */
export const SUPPLY = 1_000_000_000n * DEV

/** What the faucet gives each account, once. */
export const GRANT = 1000n * DEV

const MAX_BPS = 10_000

const NONE: LedgerChange = { balances: new Map() }

/** Gives an account its one grant; asking again changes nothing. CHAIN_NO_FUNDS when the faucet is empty. */
export function grant(ledger: LedgerView, account: string): LedgerChange {
  if (ledger.granted(account)) return NONE
  const balances = moved(ledger, [
    [FAUCET, -GRANT],
    [account, GRANT],
  ])
  return { balances, granted: account }
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
      known.expiresAtMs === terms.expiresAtMs &&
      known.arbiter === terms.arbiter &&
      known.fee?.bps === terms.fee?.bps &&
      known.fee?.to === terms.fee?.to
    if (same) return NONE
    throw refused('this lease has another escrow already')
  }
  if (terms.deposit <= 0n) throw refused('a deposit must be above zero')
  if (terms.renter === terms.miner) throw refused('renter and miner are one account')
  if (terms.arbiter === terms.renter || terms.arbiter === terms.miner) {
    throw refused('an arbiter is no party')
  }
  if (terms.fee !== undefined && terms.fee.bps > MAX_BPS) throw refused('the fee is above the sum')
  if (terms.expiresAtMs <= nowMs) throw refused('the escrow has expired already')
  return {
    balances: moved(ledger, [[terms.renter, -terms.deposit]]),
    escrow: { ...terms, claimed: 0n, state: 'open' },
  }
}

/**
 * Makes an escrow's deposit at least `deposit` and its expiry at least `expiresAtMs`, out of its renter's balance. What
 * it has already changes nothing; CHAIN_NO_FUNDS above the balance.
 */
export function topUp(
  ledger: LedgerView,
  leaseId: string,
  { deposit, expiresAtMs }: Pick<LedgerEscrow, 'deposit' | 'expiresAtMs'>,
): LedgerChange {
  const escrow = known(ledger, leaseId)
  const more = deposit > escrow.deposit ? deposit - escrow.deposit : 0n
  const later = Math.max(escrow.expiresAtMs, expiresAtMs)
  if (more === 0n && later === escrow.expiresAtMs) return NONE
  if (escrow.state !== 'open') throw refused(`the escrow is ${escrow.state}`)
  return {
    balances: moved(ledger, [[escrow.renter, -more]]),
    escrow: { ...escrow, deposit: escrow.deposit + more, expiresAtMs: later },
  }
}

/** Pays the miner up to `cumulative`, as a voucher says; the escrow stays as it is. Less than before changes nothing. */
export function claim(ledger: LedgerView, leaseId: string, cumulative: bigint): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (cumulative <= escrow.claimed) return NONE
  if (escrow.state === 'closed') throw refused('the escrow is closed')
  return { ...paid(ledger, escrow, cumulative), escrow: { ...escrow, claimed: cumulative } }
}

/** Closes an escrow as its miner: `cumulative` is paid, the rest goes back. Repeating it changes nothing. */
export function settle(ledger: LedgerView, leaseId: string, cumulative: bigint): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.state === 'closed') {
    if (escrow.claimed === cumulative) return NONE
    throw refused('the escrow is closed with another amount')
  }
  if (escrow.state === 'disputed') throw refused('the escrow is disputed')
  if (cumulative < escrow.claimed) throw refused('more was claimed already')
  return closed(ledger, escrow, cumulative)
}

/** Stops settlement until the arbiter has ruled. Repeating it changes nothing. */
export function dispute(ledger: LedgerView, leaseId: string): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.arbiter === undefined) throw refused('the escrow names no arbiter')
  if (escrow.state === 'disputed') return NONE
  if (escrow.state === 'closed') throw refused('the escrow is closed')
  return { balances: new Map(), escrow: { ...escrow, state: 'disputed' } }
}

/** Closes a disputed escrow as its arbiter ruled; what was claimed before stays claimed. Repeating it changes nothing. */
export function resolve(ledger: LedgerView, leaseId: string, toMiner: bigint): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.state === 'closed' && escrow.claimed === toMiner) return NONE
  if (escrow.state !== 'disputed') throw refused('the escrow is not disputed')
  return closed(ledger, escrow, toMiner > escrow.claimed ? toMiner : escrow.claimed)
}

/** Closes an escrow as its renter once it has expired: what is left goes back. Repeating it changes nothing. */
export function reclaim(ledger: LedgerView, leaseId: string, nowMs: number): LedgerChange {
  const escrow = known(ledger, leaseId)
  if (escrow.state === 'closed') return NONE
  if (nowMs < escrow.expiresAtMs) throw refused('the escrow has not expired yet')
  return closed(ledger, escrow, escrow.claimed)
}

/** Pays. The same payment under its note changes nothing, another one under it is refused. */
export function pay(ledger: LedgerView, payment: Omit<LedgerPayment, 'reversed'>): LedgerChange {
  const before = ledger.paymentUnder(payment.from, payment.note)
  if (before !== undefined) {
    if (before.txid === payment.txid) return NONE
    throw refused('another payment was made under this note')
  }
  const { from, outputs } = payment
  if (outputs.length === 0 || outputs.some(({ amount }) => amount <= 0n)) {
    throw refused('a payment must be above zero')
  }
  const sum = outputs.reduce((total, { amount }) => total + amount, 0n)
  const has = ledger.balance(from)
  if (has < sum) throw noFunds(has, sum)
  const moves = outputs.map(({ to, amount }): Move => [to, amount])
  return {
    balances: moved(ledger, [[from, -sum], ...moves]),
    payment: { ...payment, reversed: false },
  }
}

/** Undoes a payment, as a reorganisation of a real chain would. Repeating it changes nothing. */
export function reverse(ledger: LedgerView, txid: string): LedgerChange {
  const payment = ledger.payment(txid)
  if (payment === undefined) throw refused('there is no such payment')
  if (payment.reversed) return NONE
  const moves = payment.outputs.flatMap(({ to, amount }): Move[] => [
    [to, -amount],
    [payment.from, amount],
  ])
  return { balances: moved(ledger, moves), payment: { ...payment, reversed: true } }
}

/** The fee on a sum, rounded down. Taken of sums alone: rounding each step down would let small steps dodge it. */
const feeOf = ({ fee }: LedgerEscrow, sum: bigint): bigint =>
  (sum * BigInt(fee?.bps ?? 0)) / BigInt(MAX_BPS)

function paid(
  ledger: LedgerView,
  escrow: LedgerEscrow,
  cumulative: bigint,
  back = 0n,
): Pick<LedgerChange, 'balances'> {
  if (cumulative < 0n || cumulative > escrow.deposit) {
    throw refused('the amount is above the deposit')
  }
  const fee = feeOf(escrow, cumulative) - feeOf(escrow, escrow.claimed)
  const moves: Move[] = [
    [escrow.miner, cumulative - escrow.claimed - fee],
    [escrow.renter, back],
  ]
  if (escrow.fee !== undefined) moves.push([escrow.fee.to, fee])
  return { balances: moved(ledger, moves) }
}

const closed = (ledger: LedgerView, escrow: LedgerEscrow, claimed: bigint): LedgerChange => ({
  ...paid(ledger, escrow, claimed, escrow.deposit - claimed),
  escrow: { ...escrow, claimed, state: 'closed' },
})

type Move = readonly [account: string, units: bigint]

/** What accounts have after all moves; CHAIN_NO_FUNDS when one would have less than nothing. */
function moved(ledger: LedgerView, moves: readonly Move[]): Map<string, bigint> {
  const after = new Map<string, bigint>()
  for (const [account, units] of moves) {
    after.set(account, (after.get(account) ?? ledger.balance(account)) + units)
  }
  for (const [account, units] of after) {
    if (units < 0n) throw noFunds(ledger.balance(account), ledger.balance(account) - units)
  }
  return after
}

function known(ledger: LedgerView, leaseId: string): LedgerEscrow {
  const escrow = ledger.escrow(leaseId)
  if (escrow === undefined) throw refused('there is no escrow for this lease')
  return escrow
}

const refused = (message: string): NodeError => new NodeError('CHAIN_REFUSED', message)

/** Six places, as cn_ledgerInfo says. */
const dev = (units: bigint): string => `${Number(units) / 1e6} DEV`

const noFunds = (has: bigint, wanted: bigint): NodeError =>
  new NodeError('CHAIN_NO_FUNDS', `the account has ${dev(has)}, ${dev(wanted)} are wanted`)
