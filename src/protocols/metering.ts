import { NodeError } from '../errors.ts'
import type { Health } from '../lease-states.ts'
import { secondsMs } from '../units.ts'
import { owed } from './money.ts'
import type { Ending, Receipt } from './receipts.ts'
import type { Signed } from './signed.ts'
import type { Terms } from './terms.ts'

/** What the miner has counted; plain data, so that it survives a restart. */
export interface MinerMeter {
  readonly leaseId: Uint8Array
  /** The newest receipt, and its id (the lease id before the first). */
  readonly seq: number
  readonly prev: Uint8Array
  readonly upMs: number
  readonly observedAtMs: number
  /** Whether the last look found it well: only time between two such looks is counted. */
  readonly isWell: boolean
}

/** A meter that starts counting now. */
export const startMeter = (leaseId: Uint8Array, atMs: number): MinerMeter => ({
  leaseId,
  seq: 0,
  prev: leaseId,
  upMs: 0,
  observedAtMs: atMs,
  isWell: true,
})

/** After a restart or a pause: what was counted stays, the time in between is not billed. */
export const resumeMeter = (meter: MinerMeter, atMs: number): MinerMeter => ({
  ...meter,
  observedAtMs: atMs,
  isWell: true,
})

/**
 * Counts the time since the last look if the container was well at both; what is unknown or failed at either end is not
 * billed. A clock that went back counts nothing.
 */
export function observe(meter: MinerMeter, health: Health | 'paused', atMs: number): MinerMeter {
  const isWell = health === 'ok'
  const passedMs = isWell && meter.isWell ? Math.max(0, atMs - meter.observedAtMs) : 0
  return { ...meter, observedAtMs: atMs, isWell, upMs: meter.upMs + passedMs }
}

/** What `upMs` cost under these terms: the price of the whole time, at most the cap and the agreed duration. */
export function owedUnder(terms: Pick<Terms, 'pricePerHour' | 'cap' | 'durationMs'>, upMs: number) {
  const units = owed(BigInt(terms.pricePerHour), Math.min(upMs, terms.durationMs))
  const cap = BigInt(terms.cap)
  return units < cap ? units : cap
}

/** The next receipt to sign; `final` says why the lease ended. */
export const nextReceipt = (
  meter: MinerMeter,
  terms: Terms,
  atMs: number,
  final?: Ending,
): Receipt => ({
  leaseId: meter.leaseId,
  seq: meter.seq + 1,
  atMs,
  upMs: Math.min(meter.upMs, terms.durationMs),
  cumulative: owedUnder(terms, meter.upMs).toString(),
  prev: meter.prev,
  ...(final === undefined ? {} : { final }),
})

/** The meter after its receipt was signed. */
export const issued = (meter: MinerMeter, receipt: Signed<Receipt>): MinerMeter => ({
  ...meter,
  seq: receipt.payload.seq,
  prev: receipt.id,
})

/** What the renter has accepted so far; plain data. */
export interface RenterMeter {
  readonly leaseId: Uint8Array
  readonly seq: number
  readonly prev: Uint8Array
  readonly upMs: number
  readonly ended: boolean
}

/** Nothing accepted yet. */
export const renterMeter = (leaseId: Uint8Array): RenterMeter => ({
  leaseId,
  seq: 0,
  prev: leaseId,
  upMs: 0,
  ended: false,
})

/** How much more than the renter's own clock shows a receipt may claim: clocks differ and drift (DESIGN.md, "Bytes"). */
export const CLOCK_TOLERANCE_MS = secondsMs(30)

const broken = (code: `PEER_RECEIPT_${string}`, message: string): never => {
  throw new NodeError(code, message, {
    next: 'stop the lease; what was countersigned so far is all that can be claimed',
  })
}

/**
 * Accepts the next receipt of a chain. `elapsedMs` is the time since the renter asked for the container, by its own
 * clock; undefined when it is not known (offline verification).
 * @throws PEER_RECEIPT_SEQUENCE on replay, gap or a broken chain; PEER_RECEIPT_INFLATED on more time or money than fits
 */
export function acceptReceipt(
  meter: RenterMeter,
  terms: Terms,
  { id, payload }: Signed<Receipt>,
  elapsedMs?: number,
): RenterMeter {
  if (Buffer.compare(payload.leaseId, meter.leaseId) !== 0) {
    broken('PEER_RECEIPT_SEQUENCE', 'the receipt is of another lease')
  }
  if (meter.ended) broken('PEER_RECEIPT_SEQUENCE', 'a receipt follows the final one')
  if (payload.seq !== meter.seq + 1) {
    broken('PEER_RECEIPT_SEQUENCE', `receipt ${payload.seq} where ${meter.seq + 1} belongs`)
  }
  if (Buffer.compare(payload.prev, meter.prev) !== 0) {
    broken('PEER_RECEIPT_SEQUENCE', `receipt ${payload.seq} does not follow the one before it`)
  }
  if (payload.upMs < meter.upMs) broken('PEER_RECEIPT_SEQUENCE', 'the time served went down')
  if (payload.upMs > terms.durationMs) {
    broken('PEER_RECEIPT_INFLATED', 'more time than was agreed')
  }
  if (elapsedMs !== undefined && payload.upMs > elapsedMs + CLOCK_TOLERANCE_MS) {
    broken(
      'PEER_RECEIPT_INFLATED',
      `receipt ${payload.seq} claims ${payload.upMs} ms of ${elapsedMs} ms`,
    )
  }
  if (BigInt(payload.cumulative) !== owedUnder(terms, payload.upMs)) {
    broken('PEER_RECEIPT_INFLATED', `receipt ${payload.seq} claims ${payload.cumulative}`)
  }
  return {
    leaseId: meter.leaseId,
    seq: payload.seq,
    prev: id,
    upMs: payload.upMs,
    ended: payload.final !== undefined,
  }
}
