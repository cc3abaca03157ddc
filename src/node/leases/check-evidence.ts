import type { evidenceChecks } from '../../api/proofs.ts'
import { verifyHotkeySignature } from '../../chain/keys.ts'
import { advanceBytes, voucherBytes } from '../../chain/ledger-bytes.ts'
import { messageOf, NodeError } from '../../errors.ts'
import { openExtensions, unextended } from '../../protocols/extension.ts'
import { type EndingOwner, faultOf } from '../../protocols/lease-endings.ts'
import { evidenceCodec, type LeaseEvidence } from '../../protocols/lease-evidence.ts'
import { formatAmount } from '../../protocols/money.ts'
import { createNetwork, KNOWN_GENESIS, type Network } from '../../protocols/network.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import { type VerifiedChain, verifyReceiptChain } from '../../protocols/receipt-chain.ts'
import { openReceipt } from '../../protocols/receipts.ts'
import { leaseIdOf, openTerms, type Terms } from '../../protocols/terms.ts'
import { hexOf } from './lease-records.ts'

export interface EvidenceCheck {
  readonly name: (typeof evidenceChecks)[number]
  readonly ok: boolean
  /** What was found, or what is wrong. */
  readonly detail: string
  /** The first receipt that is wrong, by its place from 1; absent where it is none of them. */
  readonly receipt?: number
}

/** What one file shows; what could not be reached past the first thing that is wrong is absent. */
export interface EvidenceFinding {
  readonly verdict: 'VALID' | 'INVALID'
  readonly lease?: string
  readonly network?: string
  readonly miner?: string
  readonly renter?: string
  readonly asset?: string
  readonly receipts?: number
  readonly upMs?: number
  /** Decimals in `asset`: by the newest receipt, and what of it is countersigned. */
  readonly claimed?: string
  readonly acknowledged?: string
  /** How it ended, by its final receipt; null while there is none. */
  readonly ending?: {
    readonly code: string | null
    readonly reason: string
    readonly fault: EndingOwner
  } | null
  readonly checks: readonly EvidenceCheck[]
}

/**
 * Checks a lease's file by its bytes alone: who signed what, every link, every amount. It cannot show that receipts were
 * left out after the newest countersigned one. Never throws.
 */
export function checkEvidence(content: Uint8Array): EvidenceFinding {
  const checks: EvidenceCheck[] = []
  let found: Omit<EvidenceFinding, 'verdict' | 'checks'> = {}
  const check = <T>(name: EvidenceCheck['name'], work: () => T, told: (value: T) => string): T => {
    try {
      const value = work()
      checks.push({ name, ok: true, detail: told(value) })
      return value
    } catch (error) {
      checks.push({ name, ok: false, detail: messageOf(error), ...receiptIn(error) })
      throw error
    }
  }
  try {
    const size = `${content.length} bytes`
    const evidence = check(
      'file',
      () => evidenceCodec.decode(content),
      () => size,
    )
    const net = check(
      'network',
      () => networkIn(evidence),
      ({ name }) => name,
    )
    found = { network: net.name }
    const { minerTerms, renterTerms, receipts } = evidence
    const { payload: first } = check(
      'miner terms',
      () => openTerms(net, minerTerms, 'miner'),
      ({ payload }) => `signed by ${payload.miner}`,
    )
    const leaseId = leaseIdOf(net, first)
    const { asset, miner, renter } = first
    found = { ...found, lease: hexOf(leaseId), miner, renter, asset }
    check(
      'renter terms',
      () => sameTerms(net, renterTerms, leaseId),
      () => `signed by ${renter}`,
    )
    const { extensions = [] } = evidence
    const { terms } = check(
      'extensions',
      () => openExtensions(net, unextended(leaseId, first), extensions),
      ({ seq, terms }) =>
        seq === 0 ? 'none' : `${seq}: ${terms.durationMs / 3_600_000} hours in all`,
    )
    const bare = { minerTerms, renterTerms, receipts, extensions: [...extensions] }
    const chain = check('receipts', () => verifyReceiptChain(net, bare), chainText)
    found = { ...found, ...shownOf(chain) }
    const signed = check('countersignature', () => acknowledged(net, evidence), ackText)
    found = { ...found, acknowledged: formatAmount(signed.acknowledged, asset) }
    const subject = { net, terms, leaseId, evidence, signed }
    check('voucher', () => checkVoucher(subject), String)
    check('advance', () => checkAdvance(subject), String)
    check('dispute', () => checkDispute(subject), String)
    return { verdict: 'VALID', ...found, checks }
  } catch {
    return { verdict: 'INVALID', ...found, checks } // the last check says why
  }
}

function receiptIn(error: unknown): { readonly receipt?: number } {
  const receipt = error instanceof NodeError ? error.details['receipt'] : undefined
  return typeof receipt === 'number' ? { receipt } : {}
}

interface Subject {
  readonly net: Network
  readonly terms: Terms
  readonly leaseId: Uint8Array
  readonly evidence: LeaseEvidence
  readonly signed: VerifiedChain
}

const wrong = (message: string): NodeError => new NodeError('BAD_MESSAGE', message)

function networkIn({ network, netuid, genesis }: LeaseEvidence): Network {
  const known = KNOWN_GENESIS[network]
  if (known !== undefined && known !== hexOf(genesis)) {
    throw wrong(`${network} has another genesis`)
  }
  return createNetwork(network, netuid, genesis)
}

function sameTerms(net: Network, record: Uint8Array, leaseId: Uint8Array): void {
  const { payload } = openTerms(net, record, 'renter')
  if (Buffer.compare(leaseIdOf(net, payload), leaseId) === 0) return
  throw wrong('the two parties signed different terms')
}

const acknowledged = (net: Network, evidence: LeaseEvidence): VerifiedChain => {
  const { minerTerms, renterTerms, receipts, countersigned, extensions = [] } = evidence
  const signed = countersigned === undefined ? {} : { countersigned }
  return verifyReceiptChain(net, {
    ...{ minerTerms, renterTerms, receipts, extensions },
    ...signed,
  })
}

const amountIn = ({ terms }: VerifiedChain, units: bigint): string =>
  `${formatAmount(units, terms.asset)} ${terms.asset}`

function chainText(chain: VerifiedChain): string {
  const { seq, upMs, claimed, final } = chain
  const end = final === undefined ? 'none is final' : `${final.reason} (${faultOf(final)})`
  return `${seq} in one chain: ${(upMs / 1000).toFixed(1)} s, ${amountIn(chain, claimed)}; ${end}`
}

const ackText = (chain: VerifiedChain): string =>
  chain.acknowledgedSeq === 0
    ? 'none'
    : `of receipt ${chain.acknowledgedSeq}: ${amountIn(chain, chain.acknowledged)}`

const shownOf = ({ seq, upMs, claimed, terms, final }: VerifiedChain) => ({
  receipts: seq,
  upMs,
  claimed: formatAmount(claimed, terms.asset),
  ending:
    final === undefined
      ? null
      : { code: final.code ?? null, reason: final.reason, fault: faultOf(final) },
})

/** Only the embedded ledger's own form is known here. */
const isDev = ({ terms }: Subject): boolean => terms.rail === 'dev'

function checkVoucher(subject: Subject): string {
  const { evidence, terms, leaseId, signed } = subject
  const { voucher, genesis } = evidence
  if (voucher === undefined) return 'none'
  if (!isDev(subject)) return `not checked: its form is that of the rail ${terms.rail}`
  const message = voucherBytes(genesis, leaseId, signed.acknowledged)
  const isGood = verifyHotkeySignature('ed25519', keyOfPeerId(terms.renter), message, voucher)
  if (!isGood) throw wrong('it is not the renter’s for the countersigned amount')
  return `for ${amountIn(signed, signed.acknowledged)}`
}

function checkAdvance(subject: Subject): string {
  const { evidence, terms, leaseId, signed } = subject
  const { advance, genesis } = evidence
  if (advance === undefined) return 'none'
  const limit = BigInt(advance.limit)
  if (limit > BigInt(terms.cap)) throw wrong('it is above what the lease can cost')
  if (!isDev(subject)) return `not checked: its form is that of the rail ${terms.rail}`
  const message = advanceBytes(genesis, leaseId, limit)
  const renter = keyOfPeerId(terms.renter)
  const isGood = verifyHotkeySignature('ed25519', renter, message, advance.signature)
  if (!isGood) throw wrong('it is not the renter’s')
  return `up to ${amountIn(signed, limit)}`
}

/** Why it was refused is the renter's word; that the miner signed it, the record shows. */
function checkDispute({ evidence, net, terms }: Subject): string {
  const { dispute } = evidence
  if (dispute === undefined) return 'none'
  const told = `the renter’s word: ${dispute.reason}`
  if (dispute.record === undefined) return told
  const { seq, cumulative } = openReceipt(net, dispute.record, keyOfPeerId(terms.miner)).payload
  const claims = `${formatAmount(BigInt(cumulative), terms.asset)} ${terms.asset}`
  return `the miner signed receipt ${seq} for ${claims}; ${told}`
}
