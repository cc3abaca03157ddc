import type { NowMs } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import type { QuotaKey } from '../../protocols/quota.ts'
import { minutesMs } from '../../units.ts'

/** Reservations that may come to nothing: at once, and one more after each pause. */
export interface HoldRate {
  readonly burst: number
  readonly everyMs: number
}
export interface HoldRates {
  readonly peer: HoldRate
  readonly prefix: HoldRate
}
/**
 * Who never pays holds a device for a minute at most: half of it as a quote, half while the money is waited for. So one
 * peer holds it a sixth of the time, and all peers of one address a quarter.
 */
const RATES: HoldRates = {
  peer: { burst: 4, everyMs: minutesMs(6) },
  prefix: { burst: 8, everyMs: minutesMs(4) },
}
/** Peers and prefixes remembered; the one unused longest is forgotten, but a prefix still stands for its peers. */
const MAX_BUCKETS = 10_000

/** How often a peer, and everybody at its address, may reserve without paying. */
export interface UnpaidHolds {
  /** Takes one; REFUSED_QUOTA says when there is another. */
  spend(from: QuotaKey): void
  /** Whether there is one to take. */
  has(from: QuotaKey): boolean
  /** Gives it back: the money is there. */
  repay(from: QuotaKey): void
}

export function createUnpaidHolds(nowMs: NowMs, rates: HoldRates = RATES): UnpaidHolds {
  const peers = createBuckets(rates.peer, nowMs)
  const prefixes = createBuckets(rates.prefix, nowMs)
  /** Everybody on this machine shares an address: there, only peers are told apart. */
  const bucketsOf = ({ peerId, prefix }: QuotaKey) => [
    { buckets: peers, key: peerId },
    ...(prefix === undefined ? [] : [{ buckets: prefixes, key: prefix }]),
  ]
  const waitMsOf = (from: QuotaKey): number =>
    Math.max(...bucketsOf(from).map(({ buckets, key }) => buckets.waitMs(key)))
  return {
    has: (from) => waitMsOf(from) === 0,
    spend(from) {
      const waitMs = waitMsOf(from)
      if (waitMs > 0) throw tooMany(waitMs)
      for (const { buckets, key } of bucketsOf(from)) buckets.add(key, -1)
    },
    repay(from) {
      for (const { buckets, key } of bucketsOf(from)) buckets.add(key, 1)
    },
  }
}

const tooMany = (waitMs: number): NodeError =>
  new NodeError('REFUSED_QUOTA', 'too many reservations that were not paid for', {
    next: `pay for what you reserve, or try again in ${Math.ceil(waitMs / 60_000)} minutes`,
  })

function createBuckets({ burst, everyMs }: HoldRate, nowMs: NowMs) {
  const buckets = new Map<string, { left: number; atMs: number }>()
  const left = (key: string): number => {
    const bucket = buckets.get(key)
    if (bucket === undefined) return burst
    return Math.min(burst, bucket.left + Math.max(0, nowMs() - bucket.atMs) / everyMs)
  }
  return {
    waitMs: (key: string): number => Math.max(0, 1 - left(key)) * everyMs,
    add(key: string, n: number): void {
      const now = Math.min(burst, left(key) + n)
      buckets.delete(key) // and insert again: the map stays in order of use
      buckets.set(key, { left: now, atMs: nowMs() })
      if (buckets.size > MAX_BUCKETS) buckets.delete(buckets.keys().next().value!)
    },
  }
}

/**
 * Whether strangers, who never paid for a lease here, may hold `wanted` devices more without paying: half of the
 * machine at once. One of them alone may hold more, or nobody new could ever rent the whole.
 */
export const strangersMayHold = (wanted: number, held: number, devices: number): boolean =>
  held === 0 || held + wanted <= Math.ceil(devices / 2)
