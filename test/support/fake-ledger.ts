import { sign } from 'node:crypto'
import type { Escrow, PaymentRail } from '../../src/chain/payment-rail.ts'
import { NodeError } from '../../src/errors.ts'
import { type RecordKey, verifySignature } from '../../src/protocols/signed.ts'

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
  railOf(key: RecordKey): PaymentRail {
    const up = (): void => {
      if (this.down) throw new NodeError('CHAIN_UNREACHABLE', 'the ledger does not answer')
    }
    const held = (leaseId: Uint8Array): Escrow => {
      const escrow = this.escrows.get(hex(leaseId))
      if (escrow === undefined) throw new NodeError('CHAIN_ESCROW', 'no such escrow')
      return escrow
    }
    return {
      name: 'dev',
      asset: 'DEV',
      openEscrow: async ({ leaseId, miner, deposit, expiresAtMs }) => {
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
      escrow: async (leaseId) => {
        up()
        return this.escrows.get(hex(leaseId))
      },
      signVoucher: (leaseId, cumulative) =>
        new Uint8Array(sign(null, voucherBytes(leaseId, cumulative), key.privateKey)),
      checkVoucher: ({ leaseId, cumulative, signature, renter }) =>
        verifySignature(renter, voucherBytes(leaseId, cumulative), signature),
      settle: async (leaseId, voucher) => {
        up()
        const escrow = held(leaseId)
        if (escrow.state === 'closed') return escrow
        const claimed = voucher?.cumulative ?? 0n
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
      balance: async () => {
        up()
        return this.balance(key)
      },
      close: () => undefined,
    }
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const voucherBytes = (leaseId: Uint8Array, cumulative: bigint): Uint8Array =>
  Buffer.concat([leaseId, Buffer.from(cumulative.toString())])
