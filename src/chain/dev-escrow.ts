import type { LedgerLink } from './dev-ledger-link.ts'
import { fromHex, toHex } from './hex.ts'
import { verifyHotkeySignature } from './keys.ts'
import {
  advanceBytes,
  claimBytes,
  disputeBytes,
  openBytes,
  reclaimBytes,
  rulingBytes,
  settleBytes,
  topUpBytes,
  voucherBytes,
} from './ledger-bytes.ts'
import type { Claim, Escrow, EscrowRail } from './payment-rail.ts'

interface EscrowJson {
  readonly leaseId: string
  readonly renter: string
  readonly miner: string
  readonly deposit: string
  readonly claimed: string
  readonly expiresAtMs: number
  readonly state: Escrow['state']
  readonly arbiter?: string
}

/** Deposits on the embedded chain's ledger. */
export function devEscrow({ genesis, publicKey, signed, call }: LedgerLink): EscrowRail {
  const ask = async (method: string, params: object): Promise<Escrow> =>
    escrowOf(await call<EscrowJson>(method, params))
  const inspect = async (leaseId: Uint8Array): Promise<Escrow | undefined> => {
    const found = await call<EscrowJson | null>('cn_ledgerEscrow', { leaseId: toHex(leaseId) })
    return found === null ? undefined : escrowOf(found)
  }
  const bytesOf = (text: string): Uint8Array => fromHex(text, 64)!
  return {
    inspect,
    async open({ leaseId, miner, deposit, expiresAtMs, arbiter, fee }) {
      const fields = { leaseId, renter: publicKey, miner, deposit, expiresAtMs, arbiter, fee }
      await ask('cn_ledgerOpen', {
        leaseId: toHex(leaseId),
        renter: toHex(publicKey),
        miner: toHex(miner),
        deposit: deposit.toString(),
        expiresAtMs,
        ...(arbiter === undefined ? {} : { arbiter: toHex(arbiter) }),
        ...(fee === undefined ? {} : { feeBps: fee.bps, feeTo: toHex(fee.to) }),
        signature: signed(openBytes(genesis, fields)),
      })
    },
    topUp: ({ leaseId, deposit, expiresAtMs }) =>
      ask('cn_ledgerTopUp', {
        leaseId: toHex(leaseId),
        deposit: deposit.toString(),
        expiresAtMs,
        signature: signed(topUpBytes(genesis, leaseId, deposit, expiresAtMs)),
      }),
    signVoucher: (leaseId, cumulative) =>
      bytesOf(signed(voucherBytes(genesis, leaseId, cumulative))),
    checkVoucher: ({ leaseId, cumulative, signature, renter }) =>
      isBy(renter, voucherBytes(genesis, leaseId, cumulative), signature),
    signAdvance: (leaseId, limit) => bytesOf(signed(advanceBytes(genesis, leaseId, limit))),
    checkAdvance: ({ leaseId, limit, signature, renter }) =>
      isBy(renter, advanceBytes(genesis, leaseId, limit), signature),
    claim: ({ leaseId, cumulative, signature }) =>
      ask('cn_ledgerClaim', {
        leaseId: toHex(leaseId),
        cumulative: cumulative.toString(),
        signature: signed(claimBytes(genesis, leaseId, cumulative)),
        voucher: toHex(signature),
      }),
    async settle(leaseId, claim) {
      const cumulative = await cumulativeOf(claim, async () => (await inspect(leaseId))?.claimed)
      return ask('cn_ledgerSettle', {
        leaseId: toHex(leaseId),
        cumulative: cumulative.toString(),
        signature: signed(settleBytes(genesis, leaseId, cumulative)),
        ...consentOf(claim),
      })
    },
    dispute: (leaseId) =>
      ask('cn_ledgerDispute', {
        leaseId: toHex(leaseId),
        by: toHex(publicKey),
        signature: signed(disputeBytes(genesis, leaseId)),
      }),
    signRuling: (leaseId, toMiner) => ({
      leaseId,
      toMiner,
      signature: bytesOf(signed(rulingBytes(genesis, leaseId, toMiner))),
    }),
    resolve: ({ leaseId, toMiner, signature }) =>
      ask('cn_ledgerResolve', {
        leaseId: toHex(leaseId),
        toMiner: toMiner.toString(),
        ruling: toHex(signature),
      }),
    reclaim: (leaseId) =>
      ask('cn_ledgerReclaim', {
        leaseId: toHex(leaseId),
        signature: signed(reclaimBytes(genesis, leaseId)),
      }),
  }
}

/** What a claim takes in all; without one, what was claimed before. */
async function cumulativeOf(
  claim: Claim | undefined,
  claimed: () => Promise<bigint | undefined>,
): Promise<bigint> {
  if (claim === undefined) return (await claimed()) ?? 0n
  return 'voucher' in claim ? claim.voucher.cumulative : claim.cumulative
}

function consentOf(claim: Claim | undefined) {
  if (claim === undefined) return {}
  if ('voucher' in claim) return { voucher: toHex(claim.voucher.signature) }
  const { limit, signature } = claim.advance
  return { advance: toHex(signature), limit: limit.toString() }
}

const isBy = (key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  verifyHotkeySignature('ed25519', key, message, signature)

const escrowOf = ({ leaseId, renter, miner, arbiter, ...rest }: EscrowJson): Escrow => ({
  leaseId: fromHex(leaseId, 32)!,
  renter: fromHex(renter, 32)!,
  miner: fromHex(miner, 32)!,
  deposit: BigInt(rest.deposit),
  claimed: BigInt(rest.claimed),
  expiresAtMs: rest.expiresAtMs,
  state: rest.state,
  ...(arbiter === undefined ? {} : { arbiter: fromHex(arbiter, 32)! }),
})
