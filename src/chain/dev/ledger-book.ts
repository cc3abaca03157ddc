import { atMost } from '../../at-most.ts'
import type { ChainStore } from './chain-store.ts'
import { FAUCET, type LedgerChange, type LedgerEscrow, type LedgerView, SUPPLY } from './ledger.ts'

/** The ledger of a running chain: changes go to disk before they are seen, one after another. */
export interface LedgerBook extends LedgerView {
  /** Decides on the newest state, stores what changes, then shows it. */
  apply(decide: (ledger: LedgerView) => LedgerChange): Promise<void>
  /** Everything there is, balances and open escrows; always the same sum. */
  total(): bigint
}

/** Reads the ledger back; in a fresh folder the faucet has everything. */
export async function openLedger(store: ChainStore): Promise<LedgerBook> {
  const balances = new Map<string, bigint>()
  const escrows = new Map<string, LedgerEscrow>()
  const grants = new Set<string>()
  for (const [key, text] of await store.ledger()) {
    const id = key.slice(2)
    if (key.startsWith('b:')) balances.set(id, BigInt(text))
    else if (key.startsWith('e:')) escrows.set(id, parseEscrow(text))
    else if (key.startsWith('g:')) grants.add(id)
  }
  if (!balances.has(FAUCET)) {
    await store.putLedger([[`b:${FAUCET}`, SUPPLY.toString()]])
    balances.set(FAUCET, SUPPLY)
  }
  const view: LedgerView = {
    balance: (account) => balances.get(account) ?? 0n,
    escrow: (leaseId) => escrows.get(leaseId),
    granted: (account) => grants.has(account),
  }
  const show = (change: LedgerChange): void => {
    for (const [account, amount] of change.balances) balances.set(account, amount)
    if (change.escrow !== undefined) escrows.set(change.escrow.leaseId, change.escrow)
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
    total() {
      const free = [...balances.values()].reduce((a, b) => a + b, 0n)
      const held = [...escrows.values()].filter(({ state }) => state === 'open')
      return held.reduce((sum, { deposit }) => sum + deposit, free)
    },
  }
}

function entriesOf({ balances, escrow, granted }: LedgerChange): [string, string][] {
  const entries = [...balances].map(([account, amount]): [string, string] => [
    `b:${account}`,
    amount.toString(),
  ])
  if (escrow !== undefined) entries.push([`e:${escrow.leaseId}`, escrowText(escrow)])
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
