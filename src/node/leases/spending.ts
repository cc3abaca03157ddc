import { z } from 'zod'
import type { NowMs } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { cborCodec, type Message } from '../../protocols/codec.ts'
import { baseUnits, integer, text } from '../../protocols/fields.ts'
import { formatAmount, parseAmount } from '../../protocols/money.ts'
import type { Terms } from '../../protocols/terms.ts'
import { hoursMs, KiB } from '../../units.ts'
import type { Store } from '../store.ts'
import { isOver } from './lease-machine.ts'
import { hexOf, type RentedLease } from './lease-records.ts'
import { createLocks } from './locks.ts'

const DAY_MS = hoursMs(24)

/** What one lease can cost, base units; `before`: what of it was spent before `day` (days since 1970, UTC). */
const commitment = cborCodec(
  z.looseObject({
    asset: text(16),
    day: integer(0, 1_000_000),
    before: baseUnits(),
    spent: baseUnits(),
    most: baseUnits(),
  }),
  KiB,
)
export type Commitment = Message<typeof commitment>

/** The same on a later day: what was spent until then is not that day's. */
export const onDay = (one: Commitment, day: number): Commitment =>
  day <= one.day ? one : { ...one, day, before: one.spent }

/** What a commitment may cost on its day: all it can still cost, and what of it was spent on that day. */
export const costOn = (one: Commitment, day: number): bigint => {
  const { most, before } = onDay(one, day)
  return BigInt(most) > BigInt(before) ? BigInt(most) - BigInt(before) : 0n
}

/** What of it was spent on a day, base units. */
export const spentOn = (one: Commitment, day: number): bigint => {
  const { spent, before } = onDay(one, day)
  return BigInt(spent) - BigInt(before)
}

/** The most a lease can cost as it stands: its cap while it runs (that of an extension under way, too), later what was paid or can still be claimed. */
export function mostOf({ cap }: Pick<Terms, 'cap'>, lease: RentedLease): bigint {
  if (lease.settled !== undefined) return BigInt(lease.settled)
  if (!isOver(lease)) {
    const asked = BigInt(lease.extending?.cap ?? 0)
    return asked > BigInt(cap) ? asked : BigInt(cap)
  }
  const [signed, ahead] = [BigInt(lease.acknowledged), BigInt(lease.advance?.limit ?? 0)]
  return signed > ahead ? signed : ahead
}

/** Amounts are decimals in `asset`. */
export interface SpendingRow {
  readonly asset: string
  /** Spent today, by receipts. */
  readonly spent: string
  /** What today's and running leases can cost today at most, what was spent included. */
  readonly committed: string
  /** The cap per day, and what of it is left; null without one. */
  readonly cap: string | null
  readonly left: string | null
}

export interface SpendingToday {
  /** The day, in UTC, e.g. 2026-07-01. */
  readonly day: string
  readonly items: readonly SpendingRow[]
}

/** What this node's leases can cost, kept on disk, so that a cap per day holds over restarts and between two rents. */
export interface Spending {
  /** Whether a lease of this cost would fit today; REFUSED_SPENDING says what is left. */
  check(asset: string, most: bigint, limit?: string): Promise<void>
  /** Takes its cap out of today's, before anything is signed; REFUSED_SPENDING when it does not fit. */
  commit(leaseId: Uint8Array, terms: Terms, limit?: string): Promise<void>
  /** Takes what an extension costs more out of today's, before it is signed; REFUSED_SPENDING when it does not fit. */
  raise(leaseId: Uint8Array, terms: Terms, most: bigint, limit?: string): Promise<void>
  /** Keeps up with a lease as it was stored. */
  note(lease: RentedLease, terms: Terms): Promise<void>
  /** Forgets commitments that came to no lease: this node ended in between. */
  reconcile(
    leases: readonly { readonly lease: RentedLease; readonly terms: Terms }[],
  ): Promise<void>
  today(): Promise<SpendingToday>
}

/** `capNow` tells the cap per day as it is when it counts; undefined: none. */
export function openSpending(
  store: Store,
  nowMs: NowMs,
  capNow: () => string | undefined = () => undefined,
): Spending {
  const bucket = store.bucket('commitments')
  const locks = createLocks()
  const today = (): number => Math.floor(nowMs() / DAY_MS)
  const all = async (): Promise<[id: string, one: Commitment][]> =>
    (await bucket.iterator().all()).map(([id, value]) => [id, commitment.decode(value)])
  const alone = <T>(work: () => Promise<T>): Promise<T> => locks.run('spending', work)

  async function assertFits(
    asset: string,
    most: bigint,
    limit: string | undefined,
    own?: string,
  ): Promise<void> {
    const least = lowest(asset, [capNow(), limit])
    if (least === undefined) return
    const others = (await all()).filter(([id, one]) => id !== own && one.asset === asset)
    const taken = others.reduce((sum, [, one]) => sum + costOn(one, today()), 0n)
    if (taken + most > least) throw tooMuch(asset, { most, least, taken })
  }

  return {
    check: (asset, most, limit) => assertFits(asset, most, limit),
    commit: (leaseId, { asset, cap: most }, limit) =>
      alone(async () => {
        const id = hexOf(leaseId)
        await assertFits(asset, BigInt(most), limit, id)
        const one = { asset, day: today(), before: '0', spent: '0', most }
        await bucket.put(id, commitment.encode(one))
      }),
    raise: (leaseId, { asset }, most, limit) =>
      alone(async () => {
        const id = hexOf(leaseId)
        const kept = await bucket.get(id)
        const fresh = { asset, day: today(), before: '0', spent: '0', most: '0' }
        const before = kept === undefined ? fresh : commitment.decode(kept)
        const next = { ...onDay(before, today()), most: most.toString() }
        await assertFits(asset, costOn(next, today()), limit, id)
        await bucket.put(id, commitment.encode(next))
      }),
    note: (lease, terms) =>
      alone(async () => {
        const id = hexOf(lease.leaseId)
        const kept = await bucket.get(id)
        if (kept === undefined && isOver(lease)) return
        const fresh = { asset: terms.asset, day: today(), before: '0', spent: '0', most: '0' }
        const before = kept === undefined ? fresh : commitment.decode(kept)
        const most = mostOf(terms, lease).toString()
        const spent = lease.settled ?? lease.cumulative
        const next = { ...onDay(before, today()), spent, most }
        // What is over and was not of today counts no more.
        if (isOver(lease) && costOn(next, today()) === 0n) return bucket.del(id)
        await bucket.put(id, commitment.encode(next))
      }),
    async reconcile(leases) {
      const known = new Set(leases.map(({ lease }) => hexOf(lease.leaseId)))
      for (const [id] of await all()) if (!known.has(id)) await bucket.del(id)
      for (const { lease, terms } of leases) await this.note(lease, terms)
    },
    async today() {
      const day = today()
      const commitments = (await all()).map(([, one]) => one)
      const assets = [...new Set(commitments.map(({ asset }) => asset))].toSorted()
      return {
        day: new Date(day * DAY_MS).toISOString().slice(0, 10),
        items: assets.map((asset) => {
          const own = commitments.filter((one) => one.asset === asset)
          return rowOf(asset, own, day, lowest(asset, [capNow()]))
        }),
      }
    },
  }
}

function rowOf(
  asset: string,
  commitments: readonly Commitment[],
  day: number,
  cap: bigint | undefined,
): SpendingRow {
  const sum = (of: (one: Commitment, day: number) => bigint): bigint =>
    commitments.reduce((total, one) => total + of(one, day), 0n)
  const committed = sum(costOn)
  const left = cap === undefined ? undefined : cap > committed ? cap - committed : 0n
  return {
    asset,
    spent: formatAmount(sum(spentOn), asset),
    committed: formatAmount(committed, asset),
    cap: cap === undefined ? null : formatAmount(cap, asset),
    left: left === undefined ? null : formatAmount(left, asset),
  }
}

const lowest = (asset: string, limits: readonly (string | undefined)[]): bigint | undefined =>
  limits
    .filter((limit) => limit !== undefined)
    .map((limit) => parseAmount(limit, asset))
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))[0]

function tooMuch(
  asset: string,
  { most, least, taken }: { readonly most: bigint; readonly least: bigint; readonly taken: bigint },
): NodeError {
  const amount = (units: bigint): string => `${formatAmount(units, asset)} ${asset}`
  const left = least > taken ? least - taken : 0n
  return new NodeError(
    'REFUSED_SPENDING',
    `it can cost ${amount(most)}: of ${amount(least)} for today, ${amount(left)} are left`,
    { next: 'rent for less time, raise --max-daily-cost, or wait until 00:00 UTC' },
  )
}
