import { NodeError } from '../../errors.ts'
import type { Isolation } from '../../protocols/isolation.ts'
import type { ReserveRequest } from '../../protocols/lease.ts'
import { costCap, formatAmount, parseAmount } from '../../protocols/money.ts'
import type { Network } from '../../protocols/network.ts'
import { type Offer, offerId } from '../../protocols/offers.ts'
import type { Signed } from '../../protocols/signed.ts'
import { MAX_CREDIT_MS, MAX_GRACE_MS, type Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import type { LeaseRoom } from './lease-room.ts'

/** What a miner adds to a request to make it terms. */
export interface QuoteSide {
  readonly net: Network
  readonly renter: string
  readonly miner: string
  readonly minerNonce: Uint8Array
  /** Rails this miner is paid on. */
  readonly rails: readonly { readonly name: string; readonly asset: string }[]
  /** What so many of its devices come with. */
  readonly room: (devices: number) => LeaseRoom
  /** What holds a tenant now. */
  readonly isolation?: Isolation | undefined
  readonly receiptEveryMs: number
  /** Of paid leases (terms.ts). */
  readonly creditMs: number
  readonly graceMs: number
  /** What proofs beside the tenant take of the devices' time, in parts per million. */
  readonly proofSharePpm?: number | undefined
  /** Which of the offer's devices are kept for it; its first ones without. */
  readonly kept?: readonly string[] | undefined
  /** What the renter gets of the volumes it asks for. */
  readonly volumes?: Terms['volumes']
  readonly nowMs: number
}

/** The rail of what costs nothing. */
export const FREE_RAIL = 'none'

/** How long a miner holds capacity for a quote that nobody has accepted. */
export const QUOTE_MS = secondsMs(30)
/** Clocks may differ by this much (DESIGN.md, "Bytes"). */
const SKEW_MS = secondsMs(30)
/** The ids of the devices an offer is of. */
export const devicesOf = (offer: Pick<Offer, 'devices'>): string[] =>
  offer.devices.map(({ id }) => id)

/**
 * What `count` of an offer's devices cost per hour, in base units, rounded up; `exclusive`: proving nothing meanwhile.
 * @throws REFUSED_TERMS where the offer has no price for that
 */
export function pricePerHour(offer: Offer, count: number, exclusive = false): bigint {
  const dph = exclusive ? offer.exclusiveDph : offer.dph
  if (dph === undefined) {
    throw new NodeError('REFUSED_TERMS', 'this offer has no price without proofs', {
      next: 'take it without --exclusive, or another offer: exclusive_dph<PRICE finds them',
    })
  }
  const whole = parseAmount(dph, offer.asset)
  const devices = BigInt(Math.max(1, offer.devices.length))
  return (whole * BigInt(count) + devices - 1n) / devices
}

/**
 * The terms a miner quotes for a request on one of its own offers.
 * @throws REFUSED_TERMS for what the offer excludes; REFUSED_RAIL when there is no common way to pay
 */
export function draftTerms(request: ReserveRequest, offer: Signed<Offer>, side: QuoteSide): Terms {
  const { payload } = offer
  const { minLeaseMs, maxLeaseMs } = payload.terms
  if (request.durationMs < minLeaseMs || request.durationMs > maxLeaseMs) {
    throw new NodeError(
      'REFUSED_TERMS',
      `this offer is for ${minLeaseMs / 3_600_000} to ${maxLeaseMs / 3_600_000} hours`,
      { next: 'change --hours, or take another offer' },
    )
  }
  const all = devicesOf(payload)
  const count = request.devices ?? all.length
  if (count > all.length) {
    throw new NodeError('REFUSED_TERMS', `this offer has ${all.length} devices, not ${count}`)
  }
  if (payload.isolation !== undefined && !sameIsolation(payload.isolation, side.isolation)) {
    throw new NodeError('REFUSED_OFFER_GONE', 'what holds leases here has changed since', {
      next: 'compute-node offers shows what stands now',
    })
  }
  const { proofSharePpm } = side
  const { memoryMiB, milliCpus, diskMiB } = side.room(count)
  const price = pricePerHour(payload, count, request.exclusive)
  return {
    net: side.net.digest,
    renter: side.renter,
    miner: side.miner,
    renterNonce: request.nonce,
    minerNonce: side.minerNonce,
    offerId: offerId(side.net, offer),
    asset: payload.asset,
    rail: railFor(payload, price, side),
    pricePerHour: price.toString(),
    cap: costCap(price, request.durationMs).toString(),
    image: request.image,
    ...(request.command === undefined ? {} : { command: request.command }),
    devices: [...(side.kept ?? all.slice(0, count))],
    memoryMiB,
    milliCpus,
    ...(diskMiB === undefined ? {} : { diskMiB }),
    ...(side.isolation === undefined ? {} : { isolation: side.isolation }),
    durationMs: request.durationMs,
    receiptEveryMs: side.receiptEveryMs,
    ...(request.exclusive === true
      ? { proofSharePpm: 0, exclusive: true as const }
      : proofSharePpm === undefined
        ? {}
        : { proofSharePpm }),
    ...creditOf(request, price, side),
    ...(side.volumes === undefined ? {} : { volumes: side.volumes }),
    authorized: request.authorized,
    quotedAtMs: side.nowMs,
    acceptByMs: side.nowMs + QUOTE_MS,
  }
}

/** Below this many receipts a credit would run out between two of them. */
const LEAST_RECEIPTS = 3

/** What is free has nothing to countersign in time. */
function creditOf(
  { prepaidMs }: ReserveRequest,
  price: bigint,
  { creditMs, graceMs, receiptEveryMs }: QuoteSide,
): Pick<Terms, 'creditMs' | 'graceMs' | 'prepaidMs'> {
  if (price === 0n) return {}
  return {
    creditMs: Math.min(MAX_CREDIT_MS, Math.max(creditMs, LEAST_RECEIPTS * receiptEveryMs)),
    graceMs: Math.min(MAX_GRACE_MS, graceMs),
    ...(prepaidMs === undefined ? {} : { prepaidMs }),
  }
}

function railFor(offer: Offer, price: bigint, { rails }: QuoteSide): string {
  if (price === 0n) return FREE_RAIL
  const rail = rails.find(({ name, asset }) => {
    return offer.terms.rails.includes(name) && asset === offer.asset
  })
  if (rail !== undefined) return rail.name
  throw new NodeError('REFUSED_RAIL', 'this miner cannot be paid at the moment', {
    next: 'take another offer, or try again later',
  })
}

/** What a renter asked for, and the most it pays. */
export interface Asked {
  readonly request: ReserveRequest
  readonly offer: Signed<Offer>
  readonly renter: string
  readonly net: Network
  readonly rails: readonly string[]
  /** What the network lets proofs beside a tenant take, in parts per million. */
  readonly proofSharePpm?: number | undefined
  /** Base units per hour of the offer's asset; undefined: what the offer says. */
  readonly maxPricePerHour?: bigint | undefined
  readonly nowMs: number
}

/**
 * Whether signed terms are what was asked for and offered; a renter signs nothing else.
 * @throws PEER_QUOTE naming the first field that differs; REFUSED_PRICE above the renter's own limit;
 *   BAD_CONFIG_RAIL when this node has no such rail
 */
export function checkQuote(terms: Terms, asked: Asked): void {
  const { request, offer, renter } = asked
  const count = request.devices ?? devicesOf(offer.payload).length
  const price = pricePerHour(offer.payload, count, request.exclusive)
  const same: readonly (readonly [field: string, holds: boolean])[] = [
    ['renter', terms.renter === renter],
    ['miner', terms.miner === offer.payload.peerId],
    ['nonce', equal(terms.renterNonce, request.nonce)],
    ['offer', equal(terms.offerId, offerId(asked.net, offer))],
    ['asset', terms.asset === offer.payload.asset],
    ['price', BigInt(terms.pricePerHour) === price],
    ['cap', BigInt(terms.cap) === costCap(price, request.durationMs)],
    ['image', terms.image === request.image],
    ['command', JSON.stringify(terms.command) === JSON.stringify(request.command)],
    ['isolation', isAsOffered(terms, offer.payload)],
    ['exclusiveness', terms.exclusive === request.exclusive],
    ['share for proofs', (terms.proofSharePpm ?? 0) <= mostShare(asked)],
    ['duration', terms.durationMs === request.durationMs],
    ['volumes', areAsked(terms.volumes, request.volumes)],
    ['devices', areOffered(terms.devices, count, offer.payload)],
    ['main memory', terms.memoryMiB >= partOf(offer.payload, count, offer.payload.host.ramMiB)],
    [
      'number of cores',
      terms.milliCpus >= partOf(offer.payload, count, milliCpusOf(offer.payload)),
    ],
    // The money stays locked until some time after it: a late one would lock it for ever.
    ['time to accept', terms.acceptByMs <= asked.nowMs + QUOTE_MS + SKEW_MS],
    // More in advance than was asked for would be signed for, less is the miner's risk.
    ['prepaid window', terms.prepaidMs === undefined || terms.prepaidMs === request.prepaidMs],
    ['credit', terms.creditMs === undefined || terms.creditMs >= 2 * terms.receiptEveryMs],
    ['authorized keys', terms.authorized.join() === request.authorized.join()],
    ['rail', price === 0n ? terms.rail === FREE_RAIL : terms.rail !== FREE_RAIL],
  ]
  const differs = same.find(([, holds]) => !holds)
  if (differs !== undefined) {
    throw new NodeError('PEER_QUOTE', `the miner quoted another ${differs[0]} than was offered`, {
      next: 'take an offer of another miner',
    })
  }
  checkLimits(terms, price, asked)
}

/** Proofs may take what the network's table says, and nothing of an exclusive lease. */
const mostShare = ({ request, proofSharePpm = 1_000_000 }: Asked): number =>
  request.exclusive === true ? 0 : proofSharePpm

/** A size that was not asked for is the miner's to say. */
const areAsked = (agreed: Terms['volumes'] = [], asked: ReserveRequest['volumes'] = []): boolean =>
  agreed.length === asked.length &&
  asked.every(({ name, path, readOnly, sizeMiB }, i) => {
    const got = agreed[i]!
    const sameSize = sizeMiB === undefined || got.sizeMiB === sizeMiB
    return got.name === name && got.path === path && got.readOnly === readOnly && sameSize
  })

/** What `count` of an offer's devices come with, of what all of them do. */
const partOf = ({ devices }: Offer, count: number, whole: number): number =>
  Math.floor((whole * count) / Math.max(1, devices.length))

const milliCpusOf = ({ host }: Offer): number => host.milliCpus ?? host.cpuCores * 1000

const areOffered = (devices: readonly string[], count: number, offer: Offer): boolean =>
  devices.length === count &&
  new Set(devices).size === count &&
  devices.every((id) => devicesOf(offer).includes(id))

/** Throws REFUSED_PRICE for a price per hour, in base units, above the renter's own limit. */
export function checkPrice(price: bigint, asset: string, most: bigint | undefined): void {
  if (most === undefined || price <= most) return
  const shown = formatAmount(price, asset)
  throw new NodeError('REFUSED_PRICE', `${shown} ${asset} per hour is above --max-dph`, {
    next: 'raise --max-dph, or take another offer',
  })
}

function checkLimits(terms: Terms, price: bigint, { maxPricePerHour, rails }: Asked): void {
  checkPrice(price, terms.asset, maxPricePerHour)
  if (terms.rail !== FREE_RAIL && !rails.includes(terms.rail)) {
    throw new NodeError('BAD_CONFIG_RAIL', `this node cannot pay over "${terms.rail}"`, {
      next: 'give the chain node that keeps the ledger with --chain URL',
    })
  }
}

const isAsOffered = (terms: Terms, offer: Offer): boolean =>
  offer.isolation === undefined || sameIsolation(offer.isolation, terms.isolation)

const sameIsolation = (a: Isolation, b: Isolation | undefined): boolean =>
  a.runtime === b?.runtime &&
  a.fenced === b.fenced &&
  a.diskQuota === b.diskQuota &&
  a.remote === b.remote

const equal = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
