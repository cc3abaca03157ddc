import { sign } from 'node:crypto'
import { advanceBytes, voucherBytes } from '../../src/chain/ledger-bytes.ts'
import { endingOf } from '../../src/protocols/lease-endings.ts'
import {
  EVIDENCE_KIND,
  type LeaseEvidence,
  networkFields,
} from '../../src/protocols/lease-evidence.ts'
import { issued, nextReceipt, observe, startMeter } from '../../src/protocols/metering.ts'
import { sealReceipt } from '../../src/protocols/receipts.ts'
import { agreed, miner, net, renter } from './lease.ts'
import { NOW_MS } from './market.ts'

/** A lease of three receipts with everything that can be in its file; the last one is not countersigned. */
export function sampleEvidence() {
  const lease = agreed({ creditMs: 10_000, graceMs: 5000, prepaidMs: 20_000 })
  const { terms, leaseId, minerTerms, renterTerms } = lease
  let meter = startMeter(leaseId, NOW_MS)
  const receipts = [1000, 2000, 3000].map((ms) => {
    meter = observe(meter, 'ok', NOW_MS + ms)
    const final = ms === 3000 ? endingOf('credit') : undefined
    const receipt = sealReceipt(net, miner, nextReceipt(meter, terms, NOW_MS + ms, final))
    meter = issued(meter, receipt)
    return receipt
  })
  const second = receipts[1]!.payload
  const signed = (message: Uint8Array): Uint8Array =>
    new Uint8Array(sign(null, message, renter.privateKey))
  const inflated = { ...second, seq: 3, upMs: 50_000, cumulative: '50000', prev: receipts[1]!.id }
  const evidence: LeaseEvidence = {
    kind: EVIDENCE_KIND,
    ...networkFields(net),
    minerTerms,
    renterTerms,
    receipts: receipts.map(({ bytes }) => bytes),
    countersigned: sealReceipt(net, renter, second).bytes,
    voucher: signed(voucherBytes(net.genesis, leaseId, 2000n)),
    advance: { limit: '22000', signature: signed(advanceBytes(net.genesis, leaseId, 22_000n)) },
    dispute: {
      code: 'PEER_RECEIPT_INFLATED',
      reason: 'receipt 3 claims 50000 ms of 3000 ms',
      atMs: NOW_MS + 3000,
      record: sealReceipt(net, miner, inflated).bytes,
    },
  }
  return { ...lease, evidence, records: receipts }
}
