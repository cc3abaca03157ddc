import type { Isolation } from '../../protocols/isolation.ts'
import { type EndingOwner, faultOf } from '../../protocols/lease-endings.ts'
import { formatAmount } from '../../protocols/money.ts'
import { isOver } from './lease-machine.ts'
import { hexOf, type RentedLease } from './lease-records.ts'
import { termsOf } from './lease-terms.ts'
import type { RentBook } from './rent-book.ts'

/** A lease as the control API and `--json` show it; amounts are decimals in `asset`. */
export interface LeaseView {
  readonly id: string
  readonly state: RentedLease['state']
  readonly health: RentedLease['health']
  readonly miner: string
  readonly renter: string
  /** The miner's container engine, e.g. `docker 20.10.24`; null before it is known. */
  readonly engine: string | null
  readonly image: string
  readonly command: readonly string[] | null
  readonly devices: readonly string[]
  /** Main memory and processor cores that it may use. */
  readonly memoryMiB: number
  readonly cpus: number
  /** What it may write on the disk; null: no limit is agreed. */
  readonly diskMiB: number | null
  /** What of it is written, as its miner measured it last; null where it measures nothing. */
  readonly diskUsedMiB: number | null
  /** What holds it, as its miner signed it; null in terms of an earlier version. */
  readonly isolation: Isolation | null
  readonly asset: string
  readonly rail: string
  /** Price per hour. */
  readonly dph: string
  /** The most it can cost. */
  readonly cap: string
  /** What the miner's proofs take of the devices' time on average, at most, 0 to 1; null where the terms do not say. */
  readonly proofShare: number | null
  /** Whether the devices prove nothing while it runs. */
  readonly exclusive: boolean
  /** What outlives it. */
  readonly volumes: readonly { name: string; path: string; sizeMiB: number; readOnly: boolean }[]
  /** The whole time, extensions included. */
  readonly durationMs: number
  /** How many extensions count. */
  readonly extensions: number
  /** The whole time after an extension that was asked for and does not count yet; null without one. */
  readonly extendingToMs: number | null
  readonly labels: Readonly<Record<string, string>>
  /** Ports that `forward` makes local when none is named. */
  readonly ports: readonly number[]
  readonly createdAtMs: number
  readonly startedAtMs: number | null
  readonly expiresAtMs: number | null
  /** What the miner is doing while it starts, e.g. `pulling busybox:1.37`; later what it has to say, e.g. that a GPU is lost. */
  readonly progress: string | null
  readonly receipts: number
  readonly upMs: number
  /** Owed by the newest receipt, and what of it is countersigned. */
  readonly owed: string
  readonly acknowledged: string
  /** What the ledger paid in the end; null before. */
  readonly settled: string | null
  /** Service that may stay uncountersigned before it is paused, how long it is kept then, and what is signed in advance. */
  readonly creditMs: number | null
  readonly graceMs: number | null
  readonly prepaidMs: number | null
  readonly signedAhead: string
  /** What the miner did that this node does not countersign. */
  readonly dispute: string | null
  readonly over: boolean
  /** `ended` as agreed, `failed`, or `unknown` when the miner never came back; null while it runs. */
  readonly outcome: 'ended' | 'failed' | 'unknown' | null
  readonly reason: string | null
  /** The code of its ending, and whose doing that is (lease-endings.ts); null while it runs. */
  readonly ending: string | null
  readonly fault: EndingOwner | null
}

/** What there is to say of a lease this node rented. */
export function viewOf(book: RentBook, lease: RentedLease): LeaseView {
  const terms = termsOf(book.net, lease)
  const now = book.live.get(hexOf(lease.leaseId))
  const amount = (units: string): string => formatAmount(BigInt(units), terms.asset)
  return {
    id: hexOf(lease.leaseId),
    state: lease.state,
    health: lease.health,
    miner: terms.miner,
    renter: terms.renter,
    engine: lease.engine ?? null,
    image: terms.image,
    command: terms.command ?? null,
    devices: terms.devices,
    memoryMiB: terms.memoryMiB,
    cpus: terms.milliCpus / 1000,
    diskMiB: terms.diskMiB ?? null,
    diskUsedMiB: now?.diskUsedMiB ?? null,
    isolation: terms.isolation ?? null,
    asset: terms.asset,
    rail: terms.rail,
    dph: amount(terms.pricePerHour),
    cap: amount(terms.cap),
    proofShare: terms.proofSharePpm === undefined ? null : terms.proofSharePpm / 1e6,
    exclusive: terms.exclusive === true,
    volumes: (terms.volumes ?? []).map(({ name, path, sizeMiB, readOnly = false }) => ({
      ...{ name, path, sizeMiB, readOnly },
    })),
    durationMs: terms.durationMs,
    extensions: lease.extensions?.length ?? 0,
    extendingToMs: lease.extending?.durationMs ?? null,
    labels: lease.labels ?? {},
    ports: lease.ports ?? [],
    createdAtMs: lease.createdAtMs,
    startedAtMs: lease.startedAtMs ?? null,
    expiresAtMs: lease.expiresAtMs ?? null,
    progress: now?.progress ?? null,
    receipts: lease.meter.seq,
    upMs: lease.meter.upMs,
    owed: amount(lease.cumulative),
    acknowledged: amount(lease.acknowledged),
    settled: lease.settled === undefined ? null : amount(lease.settled),
    creditMs: terms.creditMs ?? null,
    graceMs: terms.graceMs ?? null,
    prepaidMs: terms.prepaidMs ?? null,
    signedAhead: amount(lease.advance?.limit ?? '0'),
    dispute: lease.dispute?.reason ?? null,
    over: isOver(lease),
    outcome: outcomeOf(lease),
    reason: lease.ending?.reason ?? null,
    ending: lease.ending?.code ?? null,
    fault: lease.ending === undefined ? null : faultOf(lease.ending),
  }
}

function outcomeOf(lease: RentedLease): LeaseView['outcome'] {
  if (!isOver(lease)) return null
  return lease.state === 'EXPIRED' ? 'unknown' : (lease.ending?.outcome ?? 'ended')
}
