import { fromHex } from '../hex.ts'
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
} from '../ledger-bytes.ts'
import {
  claim,
  dispute,
  type LedgerChange,
  type LedgerView,
  open,
  reclaim,
  resolve,
  settle,
  topUp,
} from './ledger.ts'
import { escrowJson, type LedgerBook } from './ledger-book.ts'
import {
  amountIn,
  assertSigned,
  bpsIn,
  bytesIn,
  hexOf,
  objectIn,
  type Params,
  timeIn,
} from './ledger-params.ts'
import { badParams, RpcError } from './rpc-error.ts'
import type { Methods } from './rpc-server.ts'

/** Deposits for leases: what opens, tops up, claims, settles, disputes, rules and reclaims them, each signed by whom it is up to. */
export function escrowMethods(book: LedgerBook, genesis: Uint8Array, nowMs: () => number): Methods {
  const shown = (leaseId: string) => {
    const found = book.escrow(leaseId)
    return found === undefined ? null : escrowJson(found)
  }
  const changed = async (leaseId: string, decide: (ledger: LedgerView) => LedgerChange) => {
    await book.apply(decide)
    return shown(leaseId)
  }
  const named = (params: readonly unknown[]) => {
    const asked = objectIn(params)
    const id = bytesIn(asked, 'leaseId', 32)
    return { asked, id, leaseId: hexOf(id) }
  }
  return {
    cn_ledgerEscrow: (params) => shown(named(params).leaseId),
    async cn_ledgerOpen(params) {
      const { asked, id, leaseId } = named(params)
      const [renter, miner] = [bytesIn(asked, 'renter', 32), bytesIn(asked, 'miner', 32)]
      const money = {
        deposit: amountIn(asked, 'deposit'),
        expiresAtMs: timeIn(asked, 'expiresAtMs'),
      }
      const extras = extrasIn(asked)
      const message = openBytes(genesis, { leaseId: id, renter, miner, ...money, ...extras })
      assertSigned(renter, message, bytesIn(asked, 'signature', 64))
      const { arbiter, fee } = extras
      const terms = {
        ...{ leaseId, renter: hexOf(renter), miner: hexOf(miner), ...money },
        ...(arbiter === undefined ? {} : { arbiter: hexOf(arbiter) }),
        ...(fee === undefined ? {} : { fee: { bps: fee.bps, to: hexOf(fee.to) } }),
      }
      return changed(leaseId, (ledger) => open(ledger, terms, nowMs()))
    },
    async cn_ledgerTopUp(params) {
      const { asked, id, leaseId } = named(params)
      const { renter } = partiesOf(book, leaseId)
      const more = {
        deposit: amountIn(asked, 'deposit'),
        expiresAtMs: timeIn(asked, 'expiresAtMs'),
      }
      const message = topUpBytes(genesis, id, more.deposit, more.expiresAtMs)
      assertSigned(renter, message, bytesIn(asked, 'signature', 64))
      return changed(leaseId, (ledger) => topUp(ledger, leaseId, more))
    },
    async cn_ledgerClaim(params) {
      const { asked, id, leaseId } = named(params)
      const cumulative = amountIn(asked, 'cumulative')
      const { renter, miner } = partiesOf(book, leaseId)
      const signature = bytesIn(asked, 'signature', 64)
      assertSigned(miner, claimBytes(genesis, id, cumulative), signature)
      const voucher = bytesIn(asked, 'voucher', 64)
      assertSigned(renter, voucherBytes(genesis, id, cumulative), voucher)
      return changed(leaseId, (ledger) => claim(ledger, leaseId, cumulative))
    },
    async cn_ledgerSettle(params) {
      const { asked, id, leaseId } = named(params)
      const cumulative = amountIn(asked, 'cumulative')
      const { renter, miner, claimed } = partiesOf(book, leaseId)
      const signature = bytesIn(asked, 'signature', 64)
      assertSigned(miner, settleBytes(genesis, id, cumulative), signature)
      // What was claimed before had its voucher then.
      if (cumulative > claimed) assertConsent({ asked, genesis, id, renter, cumulative })
      return changed(leaseId, (ledger) => settle(ledger, leaseId, cumulative))
    },
    async cn_ledgerDispute(params) {
      const { asked, id, leaseId } = named(params)
      const { renter, miner } = partiesOf(book, leaseId)
      const by = bytesIn(asked, 'by', 32)
      if (![renter, miner].some((party) => Buffer.compare(party, by) === 0))
        throw new RpcError(-32001, 'only a party of the escrow disputes it')
      assertSigned(by, disputeBytes(genesis, id), bytesIn(asked, 'signature', 64))
      return changed(leaseId, (ledger) => dispute(ledger, leaseId))
    },
    async cn_ledgerResolve(params) {
      const { asked, id, leaseId } = named(params)
      const toMiner = amountIn(asked, 'toMiner')
      const { arbiter } = partiesOf(book, leaseId)
      if (arbiter === undefined) throw new RpcError(-32001, 'the escrow names no arbiter')
      assertSigned(arbiter, rulingBytes(genesis, id, toMiner), bytesIn(asked, 'ruling', 64))
      return changed(leaseId, (ledger) => resolve(ledger, leaseId, toMiner))
    },
    async cn_ledgerReclaim(params) {
      const { asked, id, leaseId } = named(params)
      const { renter } = partiesOf(book, leaseId)
      assertSigned(renter, reclaimBytes(genesis, id), bytesIn(asked, 'signature', 64))
      return changed(leaseId, (ledger) => reclaim(ledger, leaseId, nowMs()))
    },
  }
}

function extrasIn(asked: Params) {
  const arbiter = asked['arbiter'] === undefined ? undefined : bytesIn(asked, 'arbiter', 32)
  if (asked['feeBps'] === undefined) return { arbiter }
  return { arbiter, fee: { bps: bpsIn(asked, 'feeBps'), to: bytesIn(asked, 'feeTo', 32) } }
}

/** The renter signed this very amount, or in advance that the miner may take as much. */
function assertConsent(of: {
  readonly asked: Params
  readonly genesis: Uint8Array
  readonly id: Uint8Array
  readonly renter: Uint8Array
  readonly cumulative: bigint
}): void {
  const { asked, genesis, id, renter, cumulative } = of
  if (asked['advance'] === undefined) {
    const voucher = bytesIn(asked, 'voucher', 64)
    assertSigned(renter, voucherBytes(genesis, id, cumulative), voucher)
    return
  }
  const limit = amountIn(asked, 'limit')
  if (cumulative > limit) throw badParams('cumulative is above the limit of the advance')
  assertSigned(renter, advanceBytes(genesis, id, limit), bytesIn(asked, 'advance', 64))
}

function partiesOf(book: LedgerBook, leaseId: string) {
  const found = book.escrow(leaseId)
  if (found === undefined) throw new RpcError(-32001, 'there is no escrow for this lease')
  return {
    renter: fromHex(found.renter, 32)!,
    miner: fromHex(found.miner, 32)!,
    claimed: found.claimed,
    arbiter: found.arbiter === undefined ? undefined : fromHex(found.arbiter, 32)!,
  }
}
