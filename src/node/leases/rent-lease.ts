import { randomBytes } from 'node:crypto'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { type LeaseRequest, type LeaseStatus, leaseProtocol } from '../../protocols/lease.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import { costCap, formatAmount, parseAmount } from '../../protocols/money.ts'
import type { Offer } from '../../protocols/offers.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import type { Ending } from '../../protocols/receipts.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import type { Signed } from '../../protocols/signed.ts'
import { leaseIdOf, openTerms, sealTerms, type Terms } from '../../protocols/terms.ts'
import type { AskedVolume } from '../../protocols/volumes.ts'
import { hoursMs } from '../../units.ts'
import { beginElapsed } from './elapsed.ts'
import { advance, isStarted, type StartedState } from './lease-machine.ts'
import { checkPrice, checkQuote, devicesOf, FREE_RAIL, pricePerHour } from './quote.ts'
import { newRentedLease, type RentBook, type RentedNow } from './rent-book.ts'

/** What a renter wants of one offer. */
export interface RentOrder {
  readonly offer: Signed<Offer>
  readonly image: string
  readonly command?: readonly string[] | undefined
  readonly durationMs: number
  /** How many of the offer's devices; all when absent. */
  readonly devices?: number | undefined
  /** True: they shall prove nothing meanwhile, at the offer's price for that. */
  readonly exclusive?: boolean | undefined
  /** How far to sign in advance, so that this node may be away that long; not at all when absent or 0. */
  readonly prepaidMs?: number | undefined
  /** Base units of the offer's asset. */
  readonly maxPricePerHour?: bigint | undefined
  /** The most the lease may cost in all, and this and all other leases in a day; decimal, of the offer's asset. */
  readonly maxCost?: string | undefined
  readonly maxDailyCost?: string | undefined
  /** PeerIds that may open sessions besides this node. */
  readonly authorized?: readonly string[] | undefined
  /** What it shall keep beyond the lease. */
  readonly volumes?: readonly AskedVolume[] | undefined
  readonly idempotencyKey?: string | undefined
  /** A login at the image's registry, sent with the acceptance alone. Its owner wipes it when this order is done. */
  readonly registryAuth?: Uint8Array | undefined
  /** A place in the miner's queue whose turn it is. */
  readonly ticket?: Uint8Array | undefined
  /** Variables of the container's processes; sent with the acceptance alone, and not kept. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** What this node keeps of it and the miner is not told. */
  readonly labels?: Readonly<Record<string, string>> | undefined
  readonly ports?: readonly number[] | undefined
}

/** An escrow outlives its lease by this much, in which the miner may still claim. */
const CLAIM_MS = hoursMs(48)

/** When the renter may take back what is left of its escrow. */
export const escrowExpiryMs = (terms: Pick<Terms, 'acceptByMs' | 'durationMs'>): number =>
  terms.acceptByMs + terms.durationMs + CLAIM_MS

/**
 * Takes an offer: asks for a quote, checks it, signs, and hands the signature over while the money is locked. Returns
 * once both have signed; the container starts meanwhile.
 * @throws REFUSED_* of the miner or of this node's own limits; PEER_QUOTE; PEER_OUTCOME_UNKNOWN when the miner went
 * silent after it was told; CHAIN_* when the money could not be locked
 */
export function rentLease(
  book: RentBook,
  order: RentOrder,
  signal?: AbortSignal,
): Promise<RentedNow> {
  const miner = order.offer.payload.peerId
  // A miner keeps one quote of a peer: a second order would drop that of the first before it was accepted.
  return book.locks.run(`order at ${miner}`, () => rentAt(book, miner, order, signal))
}

async function rentAt(
  book: RentBook,
  miner: string,
  order: RentOrder,
  signal?: AbortSignal,
): Promise<RentedNow> {
  signal?.throwIfAborted()
  await checkCost(book, order)
  const request = reserveRequest(order)
  const answer = await book.rpc.ask(leaseProtocol, miner, request, signal)
  if (answer.kind !== 'quote') throw new NodeError('BAD_MESSAGE', 'no quote where one belongs')
  const { payload: terms } = openTerms(book.net, answer.terms, 'miner')
  checkQuote(terms, {
    request,
    offer: order.offer,
    renter: book.peerId,
    net: book.net,
    rails: book.rail === undefined ? [] : [book.rail.name],
    proofSharePpm: book.proofSharePpm,
    maxPricePerHour: order.maxPricePerHour,
    nowMs: book.nowMs(),
  })
  await book.spending.commit(leaseIdOf(book.net, terms), terms, order.maxDailyCost)
  const renterTerms = sealTerms(book.net, book.key, terms).bytes
  const signed = { minerTerms: answer.terms, renterTerms }
  const { idempotencyKey, labels, ports } = order
  const now = book.add({
    ...newRentedLease(book.net, terms, signed, book.nowMs()),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(labels === undefined ? {} : { labels: { ...labels } }),
    ...(ports === undefined ? {} : { ports: [...ports] }),
  })
  now.elapsed = beginElapsed(book)
  await book.save(now, now.lease)
  await agree(book, now, miner, order)
  return now
}

/** Before anybody is asked: what it can cost fits the renter's own caps. */
export async function checkCost(book: RentBook, order: RentOrder): Promise<void> {
  const { offer, devices, exclusive, durationMs, maxCost, maxDailyCost } = order
  const { asset } = offer.payload
  const count = devices ?? devicesOf(offer.payload).length
  const price = pricePerHour(offer.payload, count, exclusive)
  checkPrice(price, asset, order.maxPricePerHour)
  const most = costCap(price, durationMs)
  if (maxCost !== undefined && most > parseAmount(maxCost, asset)) {
    const shown = formatAmount(most, asset)
    throw new NodeError('REFUSED_COST', `it can cost ${shown} ${asset}: --max-cost is ${maxCost}`, {
      next: 'rent for less time, raise --max-cost, or take another offer',
    })
  }
  await book.spending.check(asset, most, maxDailyCost)
}

function reserveRequest(order: RentOrder): Extract<LeaseRequest, { kind: 'reserve' }> {
  const { offer, image, command, durationMs, devices, exclusive, authorized = [] } = order
  const { volumes = [] } = order
  const prepaidMs = Math.min(order.prepaidMs ?? 0, durationMs)
  return {
    kind: 'reserve',
    offer: offer.bytes,
    nonce: new Uint8Array(randomBytes(16)),
    durationMs,
    image,
    ...(command === undefined ? {} : { command: [...command] }),
    ...(devices === undefined ? {} : { devices }),
    ...(exclusive === true ? { exclusive } : {}),
    ...(prepaidMs < 1000 ? {} : { prepaidMs }),
    ...(order.ticket === undefined ? {} : { ticket: order.ticket }),
    ...(volumes.length === 0 ? {} : { volumes: [...volumes] }),
    authorized: [...authorized],
  }
}

/** Both at once: the miner waits for the money, and pulls, creates and starts when it sees it. */
async function agree(
  book: RentBook,
  now: RentedNow,
  miner: string,
  { env, registryAuth }: Pick<RentOrder, 'env' | 'registryAuth'>,
): Promise<void> {
  const accept = {
    kind: 'accept' as const,
    terms: now.lease.renterTerms,
    ...(registryAuth === undefined ? {} : { registryAuth }),
    ...(env === undefined ? {} : { env: { ...env } }),
  }
  const [told, paid] = await Promise.allSettled([
    book.rpc.ask(leaseProtocol, miner, accept),
    lockMoney(book, now),
  ])
  if (told.status === 'rejected') throw await notTold(book, now, told.reason)
  await mirror(book, now, statusIn(told.value))
  if (paid.status === 'rejected') {
    await book.rpc
      .ask(leaseProtocol, miner, stopRequest(now, 'the renter could not pay'))
      .catch((error) => book.log.warn('stop-failed', { lease: now.id, code: codeOf(error) }))
    throw paid.reason
  }
}

export const stopRequest = (now: RentedNow, reason: string) => ({
  kind: 'stop' as const,
  leaseId: now.lease.leaseId,
  reason,
})

/** The status in an answer; BAD_MESSAGE for any other answer. */
export function statusIn(answer: { kind: string; status?: unknown }): LeaseStatus {
  if (answer.kind === 'status') return answer.status as LeaseStatus
  throw new NodeError('BAD_MESSAGE', 'no status where one belongs')
}

async function lockMoney(book: RentBook, now: RentedNow): Promise<void> {
  const { terms, lease } = now
  if (terms.rail === FREE_RAIL || book.rail === undefined) return
  await book.rail.escrow.open({
    leaseId: lease.leaseId,
    miner: keyOfPeerId(terms.miner),
    deposit: BigInt(terms.cap),
    expiresAtMs: escrowExpiryMs(terms),
  })
  await book.locks.run(now.id, () => book.save(now, { ...now.lease, escrow: 'open' }))
}

/** A refusal ends the lease before it began; silence leaves it to be watched. */
async function notTold(book: RentBook, now: RentedNow, error: unknown): Promise<unknown> {
  if (!codeOf(error).startsWith('PEER_') || isRefusal(error)) {
    await book.locks.run(now.id, async () => {
      const ending = { ...endingOf('not-begun'), reason: messageOf(error).slice(0, 200) }
      await book.save(now, advance(now.lease, { kind: 'lapse', ending }))
    })
    return error
  }
  return new NodeError(
    'PEER_OUTCOME_UNKNOWN',
    `outcome unknown: the miner went silent while it was told (${messageOf(error)})`,
    { cause: error, next: `compute-node show ${now.id.slice(0, 12)}` },
  )
}

/** Follows what the miner says of a lease that starts, runs or ends; a state that lies behind changes nothing. */
export async function mirror(book: RentBook, now: RentedNow, status: LeaseStatus): Promise<void> {
  if (now.progress !== status.progress) {
    now.progress = status.progress
    book.changes.changed(now.id)
  }
  await book.locks.run(now.id, async () => {
    const { state, engine } = status
    let lease = now.lease
    const reached = (wanted: readonly string[]): boolean => wanted.includes(state)
    if (lease.state === 'QUOTED' && !reached(['QUOTED'])) lease = advance(lease, { kind: 'agree' })
    if (lease.state === 'AGREED' && !reached(['QUOTED', 'AGREED'])) {
      lease = advance(lease, { kind: 'start' })
    }
    if (lease.state === 'STARTING' && status.startedAtMs !== undefined) {
      lease = startedAt(lease, now.terms, status.startedAtMs)
    }
    const over = reached(['CLOSING', 'SETTLED', 'FAILED', 'EXPIRED'])
    if (lease.state === 'STARTING' && over) {
      lease = advance(lease, { kind: 'close', ending: endingIn(status) })
    }
    if (isStarted(lease) && isStarted(status)) {
      lease = advance(lease, { kind: 'stand', state: status.state as StartedState })
    }
    const next = { ...lease, engine, health: status.health }
    if (sameStatus(next, now.lease)) return
    const began = isStarted(lease) && !isStarted(now.lease)
    await book.save(now, next)
    if (began) book.events.emit('lease-running', { id: now.id, engine })
  })
}

/** The ending a miner states without a receipt: nothing was served after the last one. */
export const endingIn = ({ reason, ending }: LeaseStatus): Ending => ({
  // Its renter changed its mind: nothing failed.
  outcome: ending === 'renter-stopped' ? 'ended' : 'failed',
  reason: reason ?? 'the miner ended it',
  ...(ending === undefined ? {} : { code: ending }),
})

const startedAt = (lease: RentedNow['lease'], terms: Terms, atMs: number): RentedNow['lease'] => ({
  ...advance(lease, { kind: 'started', atMs }),
  expiresAtMs: atMs + terms.durationMs,
})

const sameStatus = (a: RentedNow['lease'], b: RentedNow['lease']): boolean =>
  a.state === b.state && a.health === b.health && a.engine === b.engine
