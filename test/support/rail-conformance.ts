import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type {
  DepositRail,
  EscrowTerms,
  Invoice,
  PaymentRail,
} from '../../src/chain/payment-rail.ts'

/** One party of the suite: its rail, and its key as escrows name it. */
export interface Party<R extends PaymentRail = PaymentRail> {
  readonly rail: R
  readonly publicKey: Uint8Array
}

/** What the suite needs of a rail under test, at least `FUNDS` at the payer. */
export interface RailHarness<R extends PaymentRail = PaymentRail> {
  readonly payer: Party<R>
  readonly payee: Party<R>
  /** Neither payer nor payee. */
  readonly other: Party<R>
  /** What an account has, by its key. */
  balanceOf(publicKey: Uint8Array): Promise<bigint>
  /** All there is, escrows included, less what payments cost; undefined where the rail cannot tell. */
  total?(): Promise<bigint>
  /** Lets time pass for the rail. */
  passMs(ms: number): Promise<void>
  nowMs(): number
  /** Undoes a payment, as a reorganisation does. */
  reverse(txid: string): Promise<void>
}

export const FUNDS = 1_000_000n

const bytes32 = (): Uint8Array => new Uint8Array(randomBytes(32))
const HOUR_MS = 3_600_000

/** What every rail promises of payments. `harness` is asked once the suite runs. */
export function paymentConformance(name: string, harness: () => RailHarness): void {
  const asked = async (amount = 1000n, ttlMs = HOUR_MS) => {
    const { payee } = harness()
    return payee.rail.invoice({ leaseId: bytes32(), seq: 1, amount, ttlMs })
  }
  const conserved = async <T>(work: () => Promise<T>): Promise<T> => {
    const before = await harness().total?.()
    const result = await work()
    expect(await harness().total?.()).toBe(before)
    return result
  }

  describe(`${name}: payments`, () => {
    test('it says what it can do', () => {
      const { caps } = harness().payer.rail
      expect(caps.minPayment > 0n).toBe(true)
      expect(caps.feePerPayment >= 0n).toBe(true)
      expect(caps.escrow === 'none').toBe(harness().payer.rail.escrow === undefined)
    })

    test('an invoice is paid once, is seen by the payee and by anyone with the proof', () =>
      conserved(async () => {
        const { payer, payee, other } = harness()
        const invoice = await asked()
        expect(await payee.rail.status(invoice)).toMatchObject({ state: 'unseen', amount: 0n })
        const [mine, its] = [await payer.rail.balance(), await payee.rail.balance()]
        const proof = await payer.rail.pay(invoice)
        for (const state of [
          await payee.rail.status(invoice),
          await payee.rail.status(invoice, proof),
          await payer.rail.verify(invoice, proof),
          await other.rail.verify(invoice, proof),
        ]) {
          expect(state).toMatchObject({ state: 'confirmed', amount: 1000n, txid: proof.txid })
          expect(state.confirmations).toBeGreaterThan(0)
        }
        expect((await payee.rail.balance()).total - its.total).toBe(1000n)
        const cost = mine.total - (await payer.rail.balance()).total
        expect(cost - payer.rail.caps.feePerPayment).toBe(1000n)
      }))

    test('paying again pays nothing, however often and at once', () =>
      conserved(async () => {
        const { payer, payee } = harness()
        const invoice = await asked()
        const before = await payee.rail.balance()
        const proofs = await Promise.all([1, 2, 3].map(() => payer.rail.pay(invoice)))
        proofs.push(await payer.rail.pay(invoice))
        expect(new Set(proofs.map(({ txid }) => txid)).size).toBe(1)
        expect((await payee.rail.balance()).total - before.total).toBe(1000n)
      }))

    test('a payment of one invoice is none of another', async () => {
      const { payer, payee, other } = harness()
      const [paid, open] = [await asked(), await asked()]
      const proof = await payer.rail.pay(paid)
      expect(await other.rail.verify(open, proof)).toMatchObject({ state: 'failed', amount: 0n })
      expect(await payee.rail.status(open)).toMatchObject({ state: 'unseen' })
      const elsewhere = await other.rail.invoice({
        ...{ leaseId: paid.leaseId, seq: 1, amount: 1000n, ttlMs: HOUR_MS },
      })
      expect(await payer.rail.verify(elsewhere, proof)).toMatchObject({ state: 'failed' })
      const unknown = { ...proof, txid: Buffer.from(bytes32()).toString('hex') }
      expect(await other.rail.verify(paid, unknown)).toMatchObject({ state: 'unseen' })
    })

    const changes: [string, (invoice: Invoice) => Partial<Invoice>][] = [
      ['amount', ({ amount }) => ({ amount: amount - 1n })],
      ['lease', () => ({ leaseId: bytes32() })],
      ['number', ({ seq }) => ({ seq: seq + 1 })],
      ['expiry', ({ expiresAtMs }) => ({ expiresAtMs: expiresAtMs + 1 })],
    ]
    test.each(changes)(
      'an invoice with another %s is neither paid nor acknowledged',
      async (_, to) => {
        const { payer, other } = harness()
        const invoice = await asked()
        const forged = { ...invoice, ...to(invoice) }
        await expect(payer.rail.pay(forged)).rejects.toMatchObject({ code: 'BAD_MESSAGE' })
        const proof = await payer.rail.pay(invoice)
        expect(await other.rail.verify(forged, proof)).toMatchObject({
          state: 'failed',
          amount: 0n,
        })
      },
    )

    test('an invoice that has expired is not paid', async () => {
      const { payer, payee, passMs } = harness()
      const invoice = await asked(1000n, 1000)
      await passMs(1500)
      await expect(payer.rail.pay(invoice)).rejects.toMatchObject({ code: 'CHAIN_REFUSED' })
      expect(await payee.rail.status(invoice)).toMatchObject({ state: 'unseen' })
    })

    test('more than there is is not paid, and nothing moves', () =>
      conserved(async () => {
        const { payer, payee } = harness()
        const { total } = await payer.rail.balance()
        const invoice = await asked(total + 1n)
        await expect(payer.rail.pay(invoice)).rejects.toMatchObject({ code: 'CHAIN_NO_FUNDS' })
        expect(await payee.rail.status(invoice)).toMatchObject({ state: 'unseen' })
      }))

    test('a payment that is undone is reversed for everybody', () =>
      conserved(async () => {
        const { payer, payee, other, reverse } = harness()
        const invoice = await asked()
        const proof = await payer.rail.pay(invoice)
        await reverse(proof.txid)
        for (const state of [
          await payee.rail.status(invoice),
          await payee.rail.status(invoice, proof),
          await other.rail.verify(invoice, proof),
        ]) {
          expect(state).toMatchObject({ state: 'reversed', amount: 0n, confirmations: 0 })
        }
      }))

    test('a payout pays all or nobody, once under its note', () =>
      conserved(async () => {
        const { payer, payee, other } = harness()
        const [mine, its] = [
          await payee.rail.invoice({ leaseId: bytes32(), seq: 1, amount: 1n, ttlMs: HOUR_MS }),
          await other.rail.invoice({ leaseId: bytes32(), seq: 1, amount: 1n, ttlMs: HOUR_MS }),
        ]
        const shares = [
          { address: mine.payTo, amount: 30n },
          { address: its.payTo, amount: 12n },
        ]
        const before = [await payee.rail.balance(), await other.rail.balance()]
        const note = `week ${Buffer.from(bytes32()).toString('hex')}`
        const first = await payer.rail.payout(shares, note)
        expect(await payer.rail.payout(shares, note)).toEqual(first)
        expect((await payee.rail.balance()).total - before[0]!.total).toBe(30n)
        expect((await other.rail.balance()).total - before[1]!.total).toBe(12n)
        const { total } = await payer.rail.balance()
        const tooMuch = [shares[0]!, { address: its.payTo, amount: total }]
        await expect(payer.rail.payout(tooMuch, `${note} b`)).rejects.toMatchObject({
          code: 'CHAIN_NO_FUNDS',
        })
        expect((await payee.rail.balance()).total - before[0]!.total).toBe(30n)
      }))
  })
}

/** What every rail with an escrow promises of it. */
export function escrowConformance(name: string, harness: () => RailHarness<DepositRail>): void {
  const DEPOSIT = 10_000n
  const refused = expect.objectContaining({ code: 'CHAIN_REFUSED' })

  const termsOf = (change: Partial<EscrowTerms> = {}): EscrowTerms => ({
    leaseId: bytes32(),
    miner: harness().payee.publicKey,
    deposit: DEPOSIT,
    expiresAtMs: harness().nowMs() + HOUR_MS,
    arbiter: harness().other.publicKey,
    ...change,
  })
  const opened = async (change: Partial<EscrowTerms> = {}) => {
    const terms = termsOf(change)
    await harness().payer.rail.escrow.open(terms)
    return terms
  }
  const voucherOf = ({ leaseId }: EscrowTerms, cumulative: bigint) => ({
    ...{ leaseId, cumulative },
    signature: harness().payer.rail.escrow.signVoucher(leaseId, cumulative),
  })
  const advanceOf = ({ leaseId }: EscrowTerms, limit: bigint) => ({
    ...{ leaseId, limit },
    signature: harness().payer.rail.escrow.signAdvance(leaseId, limit),
  })
  const parties = () => {
    const { payer, payee, other } = harness()
    const [renter, miner] = [payer.rail.escrow, payee.rail.escrow]
    return { renter, miner, arbiter: other.rail.escrow }
  }
  /** What work moved: to the miner, and back to the renter, on top of the deposit that was locked before. */
  const moved = async (work: () => Promise<unknown>) => {
    const { payer, payee, balanceOf, total } = harness()
    const keys = [payee.publicKey, payer.publicKey]
    const before = await Promise.all(keys.map(balanceOf))
    const sum = await total?.()
    await work()
    expect(await total?.()).toBe(sum)
    const after = await Promise.all(keys.map(balanceOf))
    return after.map((units, i) => units - before[i]!)
  }

  describe(`${name}: escrow`, () => {
    test('a deposit is locked once, for one lease', async () => {
      const { renter } = parties()
      const terms = termsOf()
      expect(await renter.inspect(terms.leaseId)).toBeUndefined()
      expect(await moved(() => renter.open(terms))).toEqual([0n, -DEPOSIT])
      expect(await moved(() => renter.open(terms))).toEqual([0n, 0n])
      await expect(renter.open({ ...terms, deposit: 1n })).rejects.toEqual(refused)
      const found = await renter.inspect(terms.leaseId)
      expect(found).toMatchObject({ deposit: DEPOSIT, claimed: 0n, state: 'open' })
      const all = (await harness().payer.rail.balance()).total
      await expect(renter.open(termsOf({ deposit: all + 1n }))).rejects.toMatchObject({
        code: 'CHAIN_NO_FUNDS',
      })
      await expect(renter.open(termsOf({ deposit: 0n }))).rejects.toEqual(refused)
      const late = termsOf({ expiresAtMs: harness().nowMs() - 1 })
      await expect(renter.open(late)).rejects.toEqual(refused)
    })

    test('a deposit grows to what its renter says, once however often it is told, until it closes', async () => {
      const { renter, miner } = parties()
      const terms = await opened()
      const { leaseId } = terms
      const expiresAtMs = terms.expiresAtMs + HOUR_MS
      const more = { leaseId, deposit: DEPOSIT + 500n, expiresAtMs }
      await expect(miner.topUp(more)).rejects.toEqual(refused)
      expect(await moved(() => renter.topUp(more))).toEqual([0n, -500n])
      expect(await moved(() => renter.topUp(more))).toEqual([0n, 0n])
      const less = { leaseId, deposit: 1n, expiresAtMs: terms.expiresAtMs }
      expect(await moved(() => renter.topUp(less))).toEqual([0n, 0n])
      expect(await renter.inspect(leaseId)).toMatchObject({ deposit: more.deposit, expiresAtMs })
      const all = (await harness().payer.rail.balance()).total
      const tooMuch = { ...more, deposit: more.deposit + all + 1n }
      await expect(renter.topUp(tooMuch)).rejects.toMatchObject({ code: 'CHAIN_NO_FUNDS' })
      const claim = { voucher: voucherOf(terms, DEPOSIT + 200n) }
      expect(await moved(() => miner.settle(leaseId, claim))).toEqual([DEPOSIT + 200n, 300n])
      const late = { ...more, deposit: more.deposit + 1n }
      await expect(renter.topUp(late)).rejects.toEqual(refused)
    })

    test('a voucher is the renter’s, for its lease and its amount alone', async () => {
      const { miner } = parties()
      const [terms, another] = [await opened(), await opened()]
      const voucher = voucherOf(terms, 3001n)
      const { publicKey: renter } = harness().payer
      expect(miner.checkVoucher({ ...voucher, renter })).toBe(true)
      const forged = [
        { ...voucher, cumulative: 3002n },
        { ...voucher, leaseId: another.leaseId },
        { ...voucher, signature: miner.signVoucher(terms.leaseId, 3001n) },
        { ...voucher, signature: advanceOf(terms, 3001n).signature },
      ]
      for (const one of forged) {
        expect(miner.checkVoucher({ ...one, renter })).toBe(false)
        const { leaseId } = one
        await expect(miner.settle(leaseId, { voucher: one })).rejects.toEqual(refused)
      }
      const above = voucherOf(terms, DEPOSIT + 1n)
      await expect(miner.settle(terms.leaseId, { voucher: above })).rejects.toEqual(refused)
    })

    test('the miner settles: what was signed is paid, the rest goes back, and again nothing', async () => {
      const { miner, renter } = parties()
      const terms = await opened()
      const claim = { voucher: voucherOf(terms, 3001n) }
      await expect(renter.settle(terms.leaseId, claim)).rejects.toEqual(refused)
      const settle = () => miner.settle(terms.leaseId, claim)
      expect(await moved(settle)).toEqual([3001n, DEPOSIT - 3001n])
      expect(await moved(settle)).toEqual([0n, 0n])
      const more = { voucher: voucherOf(terms, 4000n) }
      await expect(miner.settle(terms.leaseId, more)).rejects.toEqual(refused)
      const bare = await opened()
      expect(await moved(() => miner.settle(bare.leaseId, undefined))).toEqual([0n, DEPOSIT])
    })

    test('an advance lets the miner take up to its limit, by its own word', async () => {
      const { miner } = parties()
      const terms = await opened()
      const advance = advanceOf(terms, 5000n)
      const { publicKey: renter } = harness().payer
      expect(miner.checkAdvance({ ...advance, renter })).toBe(true)
      expect(miner.checkAdvance({ ...advance, limit: 5001n, renter })).toBe(false)
      const settle = (cumulative: bigint, one = advance) =>
        miner.settle(terms.leaseId, { advance: one, cumulative })
      await expect(settle(5001n)).rejects.toBeDefined()
      await expect(settle(5001n, { ...advance, limit: 5001n })).rejects.toEqual(refused)
      expect(await moved(() => settle(4200n))).toEqual([4200n, DEPOSIT - 4200n])
    })

    test('claims step by step pay the difference, never twice', async () => {
      const { miner } = parties()
      const terms = await opened()
      expect(await moved(() => miner.claim(voucherOf(terms, 1000n)))).toEqual([1000n, 0n])
      expect(await moved(() => miner.claim(voucherOf(terms, 1000n)))).toEqual([0n, 0n])
      expect(await moved(() => miner.claim(voucherOf(terms, 400n)))).toEqual([0n, 0n])
      expect(await moved(() => miner.claim(voucherOf(terms, 2500n)))).toEqual([1500n, 0n])
      const lower = { voucher: voucherOf(terms, 400n) }
      await expect(miner.settle(terms.leaseId, lower)).rejects.toEqual(refused)
      const rest = await moved(() => miner.settle(terms.leaseId, undefined))
      expect(rest).toEqual([0n, DEPOSIT - 2500n])
    })

    test('the fee is that of the sum, however small the steps', async () => {
      const { miner } = parties()
      const { other, balanceOf } = harness()
      const fee = { bps: 100, to: other.publicKey }
      const terms = await opened({ fee, arbiter: undefined })
      const before = await balanceOf(other.publicKey)
      const [toMiner] = await moved(async () => {
        // Each step's own fee would round down to nothing.
        for (let at = 50n; at <= 950n; at += 50n) await miner.claim(voucherOf(terms, at))
        await miner.settle(terms.leaseId, { voucher: voucherOf(terms, 1050n) })
      })
      expect((await balanceOf(other.publicKey)) - before).toBe(10n)
      expect(toMiner).toBe(1040n)
    })

    test('a dispute stops settlement, keeps what was signed, and ends as the arbiter says', async () => {
      const { renter, miner, arbiter } = parties()
      const terms = await opened()
      const { leaseId } = terms
      await expect(arbiter.dispute(leaseId)).rejects.toEqual(refused)
      await renter.dispute(leaseId)
      await miner.dispute(leaseId) // again: no change
      expect(await renter.inspect(leaseId)).toMatchObject({ state: 'disputed' })
      const claim = { voucher: voucherOf(terms, 9000n) }
      await expect(miner.settle(leaseId, claim)).rejects.toEqual(refused)
      const ahead = { advance: advanceOf(terms, 9000n), cumulative: 9000n }
      await expect(miner.settle(leaseId, ahead)).rejects.toEqual(refused)
      expect(await moved(() => miner.claim(voucherOf(terms, 2000n)))).toEqual([2000n, 0n])
      await expect(miner.resolve(miner.signRuling(leaseId, DEPOSIT))).rejects.toEqual(refused)
      await expect(renter.resolve(renter.signRuling(leaseId, 0n))).rejects.toEqual(refused)
      const ruling = arbiter.signRuling(leaseId, 3000n)
      const other = { ...ruling, toMiner: 3001n }
      await expect(miner.resolve(other)).rejects.toEqual(refused)
      expect(await moved(() => miner.resolve(ruling))).toEqual([1000n, DEPOSIT - 3000n])
      expect(await moved(() => renter.resolve(ruling))).toEqual([0n, 0n])
      const again = arbiter.signRuling(leaseId, 4000n)
      await expect(miner.resolve(again)).rejects.toEqual(refused)
    })

    test('a ruling below what was signed and claimed leaves that to the miner', async () => {
      const { renter, miner, arbiter } = parties()
      const terms = await opened()
      await miner.claim(voucherOf(terms, 2000n))
      await renter.dispute(terms.leaseId)
      const ruling = arbiter.signRuling(terms.leaseId, 500n)
      expect(await moved(() => renter.resolve(ruling))).toEqual([0n, DEPOSIT - 2000n])
    })

    test('without an arbiter nothing is disputed', async () => {
      const { renter } = parties()
      const { leaseId } = await opened({ arbiter: undefined })
      await expect(renter.dispute(leaseId)).rejects.toEqual(refused)
      const itself = termsOf({ arbiter: harness().payer.publicKey })
      await expect(renter.open(itself)).rejects.toEqual(refused)
    })

    test('after the expiry the renter takes back what is left, disputed or not, and nobody else', async () => {
      const { renter, miner } = parties()
      const { passMs, nowMs } = harness()
      const expiresAtMs = nowMs() + 2000
      const [open, disputed] = [await opened({ expiresAtMs }), await opened({ expiresAtMs })]
      await miner.claim(voucherOf(open, 700n))
      await renter.dispute(disputed.leaseId)
      await expect(renter.reclaim(open.leaseId)).rejects.toEqual(refused)
      await passMs(2500)
      await expect(miner.reclaim(open.leaseId)).rejects.toEqual(refused)
      expect(await moved(() => renter.reclaim(open.leaseId))).toEqual([0n, DEPOSIT - 700n])
      expect(await moved(() => renter.reclaim(open.leaseId))).toEqual([0n, 0n])
      expect(await moved(() => renter.reclaim(disputed.leaseId))).toEqual([0n, DEPOSIT])
      await expect(miner.claim(voucherOf(open, 800n))).rejects.toEqual(refused)
    })
  })
}
