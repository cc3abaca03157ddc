import { atMost } from '../../at-most.ts'
import type { ChainStore } from './chain-store.ts'
import {
  FAUCET,
  type LedgerChange,
  type LedgerEscrow,
  type LedgerPayment,
  type LedgerView,
  SUPPLY,
} from './ledger.ts'

/** The ledger of a running chain: changes go to disk before they are seen, one after another. */
export interface LedgerBook extends LedgerView {
  /** Decides on the newest state, stores what changes, then shows it. */
  apply(decide: (ledger: LedgerView) => LedgerChange): Promise<void>
  /** Everything there is, balances and open escrows; always the same sum. */
  total(): bigint
  /** The newest payment to an account under a note, whoever made it. */
  paymentTo(to: string, note: string): LedgerPayment | undefined
}

/** Reads the ledger back; in a fresh folder the faucet has everything. */
export async function openLedger(store: ChainStore): Promise<LedgerBook> {
  const balances = new Map<string, bigint>()
  const escrows = new Map<string, LedgerEscrow>()
  const grants = new Set<string>()
  const payments = new Map<string, LedgerPayment>()
  /** Ids of payments by payer and note. */
  const notes = new Map<string, string>()
  const keep = (payment: LedgerPayment): void => {
    payments.set(payment.txid, payment)
    notes.set(`${payment.from} ${payment.note}`, payment.txid)
  }
  for (const [key, text] of await store.ledger()) {
    const id = key.slice(2)
    if (key.startsWith('b:')) balances.set(id, BigInt(text))
    else if (key.startsWith('e:')) escrows.set(id, parseEscrow(text))
    else if (key.startsWith('g:')) grants.add(id)
    else if (key.startsWith('p:')) keep(parsePayment(text))
  }
  if (!balances.has(FAUCET)) {
    await store.putLedger([[`b:${FAUCET}`, SUPPLY.toString()]])
    balances.set(FAUCET, SUPPLY)
  }
  const view: LedgerView = {
    balance: (account) => balances.get(account) ?? 0n,
    escrow: (leaseId) => escrows.get(leaseId),
    payment: (txid) => payments.get(txid),
    paymentUnder: (from, note) => payments.get(notes.get(`${from} ${note}`) ?? ''),
    granted: (account) => grants.has(account),
  }
  const show = (change: LedgerChange): void => {
    for (const [account, amount] of change.balances) balances.set(account, amount)
    if (change.escrow !== undefined) escrows.set(change.escrow.leaseId, change.escrow)
    if (change.payment !== undefined) keep(change.payment)
    if (change.granted !== undefined) grants.add(change.granted)
  }
  const inTurn = atMost(1)
  return {
    ...view,
    apply: (decide) =>
      inTurn(async () => {
        const change = decide(view)
        const entries = entriesOf(change)
        if (entries.length > 0) await store.putLedger(entries)
        show(change)
      }),
    paymentTo: (to, note) =>
      [...payments.values()].findLast(
        (payment) => payment.note === note && payment.outputs.some((output) => output.to === to),
      ),
    total() {
      const free = [...balances.values()].reduce((a, b) => a + b, 0n)
      const held = [...escrows.values()].filter(({ state }) => state !== 'closed')
      return held.reduce((sum, { deposit, claimed }) => sum + deposit - claimed, free)
    },
  }
}

function entriesOf({ balances, escrow, payment, granted }: LedgerChange): [string, string][] {
  const entries = [...balances].map(([account, amount]): [string, string] => [
    `b:${account}`,
    amount.toString(),
  ])
  if (escrow !== undefined) entries.push([`e:${escrow.leaseId}`, escrowText(escrow)])
  if (payment !== undefined) entries.push([`p:${payment.txid}`, paymentText(payment)])
  if (granted !== undefined) entries.push([`g:${granted}`, ''])
  return entries
}

/** An escrow as JSON, amounts as decimal strings. */
export const escrowJson = ({ deposit, claimed, ...rest }: LedgerEscrow) => ({
  ...rest,
  deposit: deposit.toString(),
  claimed: claimed.toString(),
})

const escrowText = (escrow: LedgerEscrow): string => JSON.stringify(escrowJson(escrow))

export function parseEscrow(text: string): LedgerEscrow {
  const { deposit, claimed, ...rest } = JSON.parse(text)
  return { ...rest, deposit: BigInt(deposit), claimed: BigInt(claimed) }
}

/** A payment as JSON, amounts as decimal strings. */
export const paymentJson = ({ outputs, ...rest }: LedgerPayment) => ({
  ...rest,
  outputs: outputs.map(({ to, amount }) => ({ to, amount: amount.toString() })),
})

const paymentText = (payment: LedgerPayment): string => JSON.stringify(paymentJson(payment))

function parsePayment(text: string): LedgerPayment {
  const { outputs, ...rest } = JSON.parse(text)
  const parsed = outputs.map((output: { to: string; amount: string }) => ({
    to: output.to,
    amount: BigInt(output.amount),
  }))
  return { ...rest, outputs: parsed }
}
