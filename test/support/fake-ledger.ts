import { sign } from 'node:crypto'
import type { Claim, DepositRail, Escrow, EscrowRail } from '../../src/chain/payment-rail.ts'
import { NodeError } from '../../src/errors.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'

/** A ledger in memory that keeps every unit: balances and open escrows always add up to what was granted. */
export class FakeLedger {
  readonly balances = new Map<string, bigint>()
  readonly escrows = new Map<string, Escrow>()
  /** While set, every call fails. */
  down = false

  grant(key: RecordKey, units: bigint): void {
    this.balances.set(hex(key.publicKey), this.balance(key) + units)
  }

  balance(key: RecordKey): bigint {
    return this.balances.get(hex(key.publicKey)) ?? 0n
  }

  total(): bigint {
    const held = this.escrows.values().filter(({ state }) => state === 'open')
    return [...this.balances.values(), ...held.map(({ deposit }) => deposit)].reduce(
      (sum, units) => sum + units,
      0n,
    )
  }

  #move(publicKey: Uint8Array, units: bigint): void {
    this.balances.set(hex(publicKey), (this.balances.get(hex(publicKey)) ?? 0n) + units)
  }

  /** The ledger as one peer uses it. */
  railOf(key: RecordKey): DepositRail {
    const none = (): never => {
      throw new Error('the fake ledger holds deposits, and moves no other money')
    }
    return {
      name: 'dev',
      caps: {
        asset: 'DEV',
        escrow: 'ledger',
        vouchers: true,
        privatePayments: false,
        settleSeconds: 0,
        minPayment: 1n,
        feePerPayment: 0n,
      },
      start: async () => undefined,
      stop: async () => undefined,
      invoice: none,
      pay: none,
      status: none,
      verify: none,
      payout: none,
      balance: async () => ({ total: this.balance(key), spendable: this.balance(key) }),
      escrow: this.#escrowOf(key),
    }
  }

  #escrowOf(key: RecordKey): EscrowRail {
    const up = (): void => {
      if (this.down) throw new NodeError('CHAIN_UNREACHABLE', 'the ledger does not answer')
    }
    const refuse = (): never => {
      throw new NodeError('CHAIN_REFUSED', 'the fake ledger knows no arbiter')
    }
    const held = (leaseId: Uint8Array): Escrow => {
      const escrow = this.escrows.get(hex(leaseId))
      if (escrow === undefined) throw new NodeError('CHAIN_ESCROW', 'no such escrow')
      return escrow
    }
    return {
      open: async ({ leaseId, miner, deposit, expiresAtMs }) => {
        up()
        if (this.escrows.has(hex(leaseId))) return
        if (this.balance(key) < deposit) throw new NodeError('CHAIN_BALANCE', 'not enough')
        this.#move(key.publicKey, -deposit)
        const renter = key.publicKey
        this.escrows.set(hex(leaseId), {
          leaseId,
          renter,
          miner,
          deposit,
          claimed: 0n,
          expiresAtMs,
          state: 'open',
        })
      },
      inspect: async (leaseId) => {
        up()
        return this.escrows.get(hex(leaseId))
      },
      topUp: async ({ leaseId, deposit, expiresAtMs }) => {
        up()
        const escrow = held(leaseId)
        if (deposit <= escrow.deposit && expiresAtMs <= escrow.expiresAtMs) return escrow
        if (escrow.state !== 'open') throw new NodeError('CHAIN_REFUSED', 'it is closed')
        const more = deposit > escrow.deposit ? deposit - escrow.deposit : 0n
        if (this.balance(key) < more) throw new NodeError('CHAIN_NO_FUNDS', 'not enough')
        this.#move(key.publicKey, -more)
        const later = Math.max(escrow.expiresAtMs, expiresAtMs)
        const topped: Escrow = { ...escrow, deposit: escrow.deposit + more, expiresAtMs: later }
        this.escrows.set(hex(leaseId), topped)
        return topped
      },
      signVoucher: (leaseId, cumulative) =>
        new Uint8Array(sign(null, voucherBytes(leaseId, cumulative), key.privateKey)),
      checkVoucher: ({ leaseId, cumulative, signature, renter }) =>
        verifySignature(renter, voucherBytes(leaseId, cumulative), signature),
      signAdvance: (leaseId, limit) =>
        new Uint8Array(sign(null, advanceBytes(leaseId, limit), key.privateKey)),
      checkAdvance: ({ leaseId, limit, signature, renter }) =>
        verifySignature(renter, advanceBytes(leaseId, limit), signature),
      claim: refuse,
      dispute: refuse,
      signRuling: refuse,
      resolve: refuse,
      settle: async (leaseId, claim) => {
        up()
        const escrow = held(leaseId)
        if (escrow.state === 'closed') return escrow
        const claimed = claimedBy(claim)
        const closed: Escrow = { ...escrow, claimed, state: 'closed' }
        this.escrows.set(hex(leaseId), closed)
        this.#move(escrow.miner, claimed)
        this.#move(escrow.renter, escrow.deposit - claimed)
        return closed
      },
      reclaim: async (leaseId) => {
        up()
        const escrow = held(leaseId)
        if (escrow.state === 'closed') return escrow
        const closed: Escrow = { ...escrow, state: 'closed' }
        this.escrows.set(hex(leaseId), closed)
        this.#move(escrow.renter, escrow.deposit)
        return closed
      },
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const claimedBy = (claim: Claim | undefined): bigint =>
  claim === undefined ? 0n : 'voucher' in claim ? claim.voucher.cumulative : claim.cumulative
const advanceBytes = (leaseId: Uint8Array, limit: bigint): Uint8Array =>
  Buffer.concat([leaseId, Buffer.from(`advance ${limit}`)])
const voucherBytes = (leaseId: Uint8Array, cumulative: bigint): Uint8Array =>
  Buffer.concat([leaseId, Buffer.from(cumulative.toString())])
