import type { DepositRail } from '../../chain/payment-rail.ts'
import { type NowMs, steadyClock } from '../../clock.ts'
import type { Log } from '../../log.ts'
import { renterMeter } from '../../protocols/metering.ts'
import type { Network } from '../../protocols/network.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import type { RecordKey } from '../../protocols/seal.ts'
import { leaseIdOf, type Terms } from '../../protocols/terms.ts'
import type { Events } from '../events.ts'
import type { Store } from '../store.ts'
import { type Changes, createChanges } from './changes.ts'
import type { Elapsed } from './elapsed.ts'
import {
  hexOf,
  type LeaseRecords,
  leaseRecords,
  type NumberedReceipt,
  type RentedLease,
  rentedLeaseCodec,
} from './lease-records.ts'
import { termsOf } from './lease-terms.ts'
import { createLocks, type Locks } from './locks.ts'
import { FREE_RAIL } from './quote.ts'
import { openSpending, type Spending } from './spending.ts'
import { createWaits, type Waits } from './waits.ts'

/** What renting needs of this node. */
export interface RentOptions {
  readonly net: Network
  readonly key: RecordKey
  readonly peerId: string
  readonly store: Store
  readonly events: Events
  readonly log: Log
  readonly nowMs: NowMs
  readonly rpc: Pick<Rpc, 'ask' | 'peers'>
  /** How this node pays; undefined: it can rent only what is free. */
  readonly rail?: DepositRail | undefined
  /** Time that passed, whatever becomes of the machine's clock. */
  readonly steadyMs?: NowMs
  /** What the network lets proofs beside a tenant take of its devices' time, in parts per million; any share without it. */
  readonly proofSharePpm?: number
  /** The most that leases may cost in a day now, decimal, of each asset; undefined: no cap. */
  readonly dailyCap?: () => string | undefined
}

/** A lease of this node that is not over. */
export interface RentedNow {
  readonly id: string
  /** As they hold now, extensions included. */
  terms: Terms
  /** As stored: written first, then here. */
  lease: RentedLease
  /** What the miner says it is doing, e.g. `pulling busybox:1.37`. */
  progress: string | undefined
  /** What it has written of its disk share, as its miner measured it last. */
  diskUsedMiB: number | undefined
  /** How long ago the container was asked for. */
  elapsed: Elapsed
  /** Since when the miner is silent, by the steady clock; undefined while it answers. */
  silentSinceMs: number | undefined
  /** The largest advance that the miner is known to have. */
  deliveredAdvance: string | undefined
  /** The newest countersignature that the miner is known to have. */
  deliveredSeq: number
  /** Whether a call goes on with its extension now. */
  isExtending: boolean
  /** Settles when nothing more will happen, or the node stops; undefined while nobody follows it. */
  followed: Promise<void> | undefined
}

/** The renter's leases: what is stored and what is alive, kept together. */
export interface RentBook extends RentOptions {
  readonly steadyMs: NowMs
  readonly records: LeaseRecords<RentedLease>
  readonly spending: Spending
  /** Where this node waits in miners' queues. */
  readonly waits: Waits
  readonly live: Map<string, RentedNow>
  readonly locks: Locks
  readonly changes: Changes
  /** Aborts when this node stops; leases go on without it. */
  readonly lifetime: AbortController
  /** Stores a lease's next state, with its receipts, before anything sees it. */
  save(now: RentedNow, lease: RentedLease, receipts?: readonly NumberedReceipt[]): Promise<void>
  /** Takes a lease into memory. */
  add(lease: RentedLease): RentedNow
  /** A lease that is over, in the same form. */
  view(lease: RentedLease): RentedNow
}

export function createRentBook(options: RentOptions): RentBook {
  const records = leaseRecords(options.store, 'leases', rentedLeaseCodec)
  const spending = openSpending(options.store, options.nowMs, options.dailyCap)
  const live = new Map<string, RentedNow>()
  const steadyMs = options.steadyMs ?? steadyClock(options.nowMs)
  const changes = createChanges()
  const inMemory = (lease: RentedLease): RentedNow => ({
    id: hexOf(lease.leaseId),
    terms: termsOf(options.net, lease),
    lease,
    progress: undefined,
    diskUsedMiB: undefined,
    elapsed: lease.elapsed ?? { ms: 0, wallMs: lease.acceptedAtMs },
    silentSinceMs: undefined,
    deliveredAdvance: undefined,
    deliveredSeq: 0,
    isExtending: false,
    followed: undefined,
  })
  return {
    ...options,
    steadyMs,
    records,
    spending,
    waits: createWaits(),
    live,
    changes,
    lifetime: new AbortController(),
    locks: createLocks(),
    async save(now, lease, receipts = []) {
      const terms =
        lease.extensions === now.lease.extensions ? now.terms : termsOf(options.net, lease)
      await records.putWithReceipts(lease, receipts)
      now.lease = lease
      now.terms = terms
      await spending.note(lease, now.terms)
      changes.changed(now.id)
    },
    add(lease) {
      const now = inMemory(lease)
      live.set(now.id, now)
      return now
    },
    view: inMemory,
  }
}

/** A lease whose terms both have signed, before the miner was told. */
export function newRentedLease(
  net: Network,
  terms: Terms,
  signed: { readonly minerTerms: Uint8Array; readonly renterTerms: Uint8Array },
  nowMs: number,
): RentedLease {
  const leaseId = leaseIdOf(net, terms)
  return {
    leaseId,
    state: 'QUOTED',
    createdAtMs: nowMs,
    acceptedAtMs: nowMs,
    ...signed,
    acknowledgedSeq: 0,
    acknowledged: '0',
    cumulative: '0',
    health: 'unknown',
    escrow: terms.rail === FREE_RAIL ? 'none' : 'opening',
    meter: renterMeter(leaseId),
  }
}
