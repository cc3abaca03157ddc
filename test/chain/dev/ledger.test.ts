import { describe, expect, test } from 'vitest'
import {
  claim,
  dispute,
  FAUCET,
  GRANT,
  grant,
  type LedgerChange,
  type LedgerEscrow,
  type LedgerPayment,
  type LedgerView,
  open,
  pay,
  reclaim,
  resolve,
  reverse,
  SUPPLY,
  settle,
} from '../../../src/chain/dev/ledger.ts'
import { Random } from './metadata-samples.ts'

/** A ledger in memory to apply changes to. */
class Memory implements LedgerView {
  readonly balances = new Map([[FAUCET, SUPPLY]])
  readonly escrows = new Map<string, LedgerEscrow>()
  readonly grants = new Set<string>()
  readonly payments = new Map<string, LedgerPayment>()

  balance(account: string): bigint {
    return this.balances.get(account) ?? 0n
  }
  escrow(leaseId: string): LedgerEscrow | undefined {
    return this.escrows.get(leaseId)
  }
  payment(txid: string): LedgerPayment | undefined {
    return this.payments.get(txid)
  }
  paymentUnder(from: string, note: string): LedgerPayment | undefined {
    return this.payments.values().find((paid) => paid.from === from && paid.note === note)
  }
  granted(account: string): boolean {
    return this.grants.has(account)
  }
  apply(change: LedgerChange): void {
    for (const [account, amount] of change.balances) this.balances.set(account, amount)
    if (change.escrow !== undefined) this.escrows.set(change.escrow.leaseId, change.escrow)
    if (change.payment !== undefined) this.payments.set(change.payment.txid, change.payment)
    if (change.granted !== undefined) this.grants.add(change.granted)
  }
  total(): bigint {
    const free = [...this.balances.values()].reduce((a, b) => a + b, 0n)
    const held = [...this.escrows.values()].filter(({ state }) => state !== 'closed')
    return held.reduce((sum, { deposit, claimed }) => sum + deposit - claimed, free)
  }
}

const terms = (leaseId: string, deposit: bigint, expiresAtMs = 1000) => ({
  leaseId,
  renter: 'r',
  miner: 'm',
  deposit,
  expiresAtMs,
})

/** With an arbiter and a fee. */
const openWithAll = (ledger: LedgerView, leaseId: string, deposit: bigint, nowMs: number) => {
  const fee = { bps: 250, to: 'y' }
  return open(ledger, { ...terms(leaseId, deposit), arbiter: 'x', fee }, nowMs)
}
const payment = (from: string, to: readonly string[], amount: bigint, n: number) => ({
  ...{ txid: `tx-${n}`, note: `note-${n}`, from, atMs: 0 },
  outputs: to.map((one) => ({ to: one, amount })),
})

describe('value', () => {
  test.each(Array.from({ length: 20 }, (_, i) => i))(
    'is conserved and never negative, whatever is tried (run %d)',
    (run) => {
      const random = new Random(`ledger ${run}`)
      const ledger = new Memory()
      const accounts = ['r', 'm', 'x', 'y']
      const pick = () => accounts[random.below(accounts.length)]!
      let refused = 0
      for (let step = 0; step < 300; step++) {
        const leaseId = `lease-${random.below(12)}`
        const amount = BigInt(random.below(3000)) * 1_000_000n
        const operations = [
          () => grant(ledger, pick()),
          () => open(ledger, { ...terms(leaseId, amount), renter: pick(), miner: pick() }, step),
          () => settle(ledger, leaseId, amount),
          () => claim(ledger, leaseId, amount),
          () => dispute(ledger, leaseId),
          () => resolve(ledger, leaseId, amount),
          () => openWithAll(ledger, leaseId, amount, step),
          () => pay(ledger, payment(pick(), [pick(), pick()], amount, random.below(50))),
          () => reverse(ledger, `tx-${random.below(50)}`),
          () => reclaim(ledger, leaseId, step * 5),
        ]
        try {
          ledger.apply(operations[random.below(operations.length)]!())
        } catch {
          refused++ // a refusal is as good an outcome; what counts stands below
        }
        expect(ledger.total()).toBe(SUPPLY)
        for (const balance of ledger.balances.values()) expect(balance >= 0n).toBe(true)
      }
      expect(refused).toBeGreaterThan(0)
      expect(refused).toBeLessThan(300)
    },
  )
})

describe('every operation may be repeated', () => {
  const opened = (): Memory => {
    const ledger = new Memory()
    ledger.apply(grant(ledger, 'r'))
    ledger.apply(open(ledger, terms('l', 100n), 0))
    return ledger
  }
  const repeats: [string, (ledger: Memory) => LedgerChange][] = [
    ['grant', (ledger) => grant(ledger, 'r')],
    ['open', (ledger) => open(ledger, terms('l', 100n), 0)],
    ['settle', (ledger) => settle(ledger, 'l', 40n)],
    ['reclaim', (ledger) => reclaim(ledger, 'l', 1000)],
  ]
  test.each(repeats)('%s', (_, operation) => {
    const ledger = opened()
    ledger.apply(operation(ledger))
    const before = structuredClone([...ledger.balances])
    ledger.apply(operation(ledger))
    expect([...ledger.balances]).toEqual(before)
  })
})

describe('refused', () => {
  const ledger = new Memory()
  ledger.apply(grant(ledger, 'r'))
  ledger.apply(open(ledger, terms('open', 100n), 0))
  ledger.apply(open(ledger, terms('closed', 100n), 0))
  ledger.apply(settle(ledger, 'closed', 30n))
  const cases: [string, () => LedgerChange, string | RegExp][] = [
    ['another escrow under one lease', () => open(ledger, terms('open', 99n), 0), 'another escrow'],
    ['a deposit of nothing', () => open(ledger, terms('n', 0n), 0), 'above zero'],
    ['a negative deposit', () => open(ledger, terms('n', -1n), 0), 'above zero'],
    [
      'a deposit above the balance',
      () => open(ledger, terms('n', GRANT), 0),
      /^the account has [\d.]+ DEV, [\d.]+ DEV are wanted$/,
    ],
    [
      'one account as both',
      () => open(ledger, { ...terms('n', 1n), miner: 'r' }, 0),
      'one account',
    ],
    ['an escrow that has expired', () => open(ledger, terms('n', 1n, 5), 5), 'expired already'],
    ['more than the deposit', () => settle(ledger, 'open', 101n), 'above the deposit'],
    ['another amount after closing', () => settle(ledger, 'closed', 31n), 'another amount'],
    ['an unknown lease', () => settle(ledger, 'none', 1n), 'no escrow'],
    ['taking back too early', () => reclaim(ledger, 'open', 999), 'not expired'],
  ]
  test.each(cases)('%s', (_, operation, words) => {
    expect(operation).toThrow(words)
  })
})
