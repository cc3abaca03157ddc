import type { DepositRail } from '../../chain/payment-rail.ts'
import { type NowMs, steadyClock } from '../../clock.ts'
import type { Container, Engine } from '../../containers/engine.ts'
import { NodeError } from '../../errors.ts'
import type { WorkHours } from '../../gpu/work-hours.ts'
import type { Log } from '../../log.ts'
import type { LeaseStatus } from '../../protocols/lease.ts'
import type { Network } from '../../protocols/network.ts'
import type { Offer } from '../../protocols/offers.ts'
import type { QuotaKey } from '../../protocols/quota.ts'
import type { RecordKey } from '../../protocols/seal.ts'
import type { Signed } from '../../protocols/signed.ts'
import type { Terms } from '../../protocols/terms.ts'
import type { Events } from '../events.ts'
import type { Bucket, Store } from '../store.ts'
import type { Capacity } from './capacity.ts'
import { type Changes, createChanges } from './changes.ts'
import { type Drain, NOT_DRAINED } from './drain-setting.ts'
import type { HostEngine, HostEngines } from './host-engines.ts'
import {
  type HostedLease,
  hexOf,
  hostedLeaseCodec,
  type LeaseRecords,
  leaseRecords,
  type NumberedReceipt,
} from './lease-records.ts'
import type { LeaseRoom } from './lease-room.ts'
import { termsOf } from './lease-terms.ts'
import { createLocks, type Locks } from './locks.ts'
import { OPEN_POLICY, type Policy } from './policy.ts'
import type { PastPull } from './pull-times.ts'
import { noTroubles, type Troubles } from './troubles.ts'
import { createUnpaidHolds, type UnpaidHolds } from './unpaid-holds.ts'
import {
  DEFAULT_VOLUME_POLICY,
  type HostedVolume,
  type VolumePolicy,
  type VolumeRecords,
  volumeRecords,
} from './volume-records.ts'
import { createWaitingLine, type WaitingLine } from './waiting-line.ts'

/** What hosting leases needs of this node. */
export interface HostOptions {
  readonly net: Network
  readonly key: RecordKey
  readonly peerId: string
  readonly store: Store
  readonly events: Events
  readonly log: Log
  readonly nowMs: NowMs
  /** What runs containers. */
  readonly engines: HostEngines
  readonly capacity: Capacity
  /** How this miner is paid; undefined: only what is free can be rented. */
  readonly rail?: DepositRail | undefined
  /** What a lease of so many devices gets besides them, on an engine that does not say itself. */
  readonly room: (devices: number) => LeaseRoom
  readonly receiptEveryMs: number
  /** What the terms of a paid lease allow its renter: see terms.ts. */
  readonly creditMs: number
  readonly graceMs: number
  /** How long a lease may be in all, its extensions included; any time when absent. */
  readonly maxLeaseMs?: number
  /** What meters leases: time that passed, whatever becomes of the machine's clock. */
  readonly steadyMs?: NowMs
  /** The engine's name of a device of this machine; undefined for a CPU. */
  readonly gpuUuid: (device: string) => string | undefined
  /** Whether an offer that this node signed still stands. */
  readonly stands: (offer: Signed<Offer>) => boolean
  /** Whom it rents to, and how many may wait; everybody without one. */
  readonly policy?: () => Policy
  /** Whether it takes no new leases; it does without. */
  readonly drain?: () => Drain
  /** When its owner lets it work; any time when absent or empty. */
  readonly workHours?: () => readonly WorkHours[]
  /** What may outlive leases here. */
  readonly volumePolicy?: VolumePolicy
  /** The most a snapshot may have; 0: none are made. */
  readonly maxSnapshotBytes?: number
  /** Whether leases end when the node stops; else their containers run on until it is back. */
  readonly endOnStop: boolean
  /** What proofs beside a tenant take of a device's time on average, at most, in parts per million. */
  readonly proofSharePpm?: number
  /** Resolves once the node's own proofs hold no more of devices than a lease leaves them; throws when they will not. */
  readonly makeRoom?: (terms: Terms, signal: AbortSignal) => Promise<void>
}

/** A lease that is not over, with what of it lives in this process. */
export interface HostedNow {
  readonly id: string
  /** As they hold now, extensions included. */
  terms: Terms
  /** As stored: written first, then here. */
  lease: HostedLease
  container: Container | undefined
  /** True from a restart until its engine has told what became of its container. */
  isUnseen: boolean
  /** The container's variables, until it has them; never stored. */
  env: Readonly<Record<string, string>> | undefined
  /** Whether the engine was asked for one: it may have made it and never said so. */
  isAskedFor: boolean
  /** How far its engine is with the removal of its container: `waits` once it did not do it when it was asked. */
  removal: 'none' | 'waits' | 'done'
  progress: string | undefined
  /** What it has written on the disk, as it was measured last. */
  diskUsedMiB: number | undefined
  /** What its renter should know now: a device of it is lost, or its owner wants it back. */
  notice: string | undefined
  /** What befalls its container. */
  readonly troubles: Troubles
  /** The renter's login at the image's registry: in memory alone, and wiped when the image is here. */
  registryAuth: Uint8Array | undefined
  /** Settles when the attempt to start has ended, one way or the other. */
  starting: Promise<void>
  /** Aborts when the lease closes: its sessions and waits end. */
  readonly closing: AbortController
  /** Who holds its devices without having paid; undefined once the money was seen, and after a restart. */
  hold: Hold | undefined
  /** Who took it, of those whose reservations are rationed; undefined after a restart. */
  readonly from: QuotaKey | undefined
}

/** A reservation that may come to nothing. */
export interface Hold {
  readonly from: QuotaKey
  /** True for a renter that never paid for a lease here. */
  readonly stranger: boolean
  /** True when it had waited for it: nobody is preferred to it any more. */
  readonly waited?: boolean
}

/** The miner's leases: what is stored and what is alive, kept together. */
export interface HostBook extends HostOptions {
  readonly steadyMs: NowMs
  readonly policy: () => Policy
  readonly drain: () => Drain
  /** Who waits for devices. */
  readonly line: WaitingLine
  /** True while turns are given, which changes what is free. */
  callingTurns: boolean
  /** True once this node ends its leases in order to stop: nothing new begins then. */
  isLeaving: boolean
  /** How long the newest leases lasted that are over, oldest first. */
  readonly pastMs: number[]
  /** How long images took to be there, for the newest leases, oldest first. */
  readonly pastPulls: PastPull[]
  readonly volumePolicy: VolumePolicy
  readonly volumeRecords: VolumeRecords
  /** What renters keep here, as stored: written first, then here. */
  readonly volumes: HostedVolume[]
  /** Settles when the leases of a run before this one are in memory; undefined until somebody asks for them. */
  restored: Promise<void> | undefined
  readonly records: LeaseRecords<HostedLease>
  readonly live: Map<string, HostedNow>
  /** Why nothing new starts on an engine, by its name, as the newest look found; absent: something may. */
  readonly engineFaults: Map<string | undefined, NodeError>
  readonly unpaid: UnpaidHolds
  /** PeerIds that have paid for a lease here. */
  readonly payers: Bucket
  readonly locks: Locks
  readonly changes: Changes
  /** Aborts when this node stops: what is unfinished goes on after a restart. */
  readonly lifetime: AbortController
  /** Stores a lease's next state, with its receipts, before anything sees it. Call it under the lease's lock. */
  save(now: HostedNow, lease: HostedLease, receipts?: readonly NumberedReceipt[]): Promise<void>
  /** Takes a stored lease into memory. */
  add(lease: HostedLease, hold?: Hold): HostedNow
  /** Lets work go on by itself: its failure is logged, and a stopping node waits for it. */
  background(work: Promise<unknown>): void
  /** Resolves when all of that has ended. */
  idle(): Promise<void>
}

export function createHostBook(options: HostOptions): HostBook {
  const records = leaseRecords(options.store, 'hosted-leases', hostedLeaseCodec)
  const live = new Map<string, HostedNow>()
  const changes = createChanges()
  const lifetime = new AbortController()
  const working = new Set<Promise<unknown>>()
  const steadyMs = options.steadyMs ?? steadyClock(options.nowMs)
  return {
    ...options,
    steadyMs,
    policy: options.policy ?? (() => OPEN_POLICY),
    drain: options.drain ?? (() => NOT_DRAINED),
    line: createWaitingLine({ ...options, changes, steadyMs }),
    callingTurns: false,
    isLeaving: false,
    pastMs: [],
    pastPulls: [],
    volumePolicy: options.volumePolicy ?? DEFAULT_VOLUME_POLICY,
    volumeRecords: volumeRecords(options.store),
    volumes: [],
    restored: undefined,
    records,
    live,
    engineFaults: new Map(),
    changes,
    lifetime,
    unpaid: createUnpaidHolds(options.nowMs),
    payers: options.store.bucket('payers'),
    locks: createLocks(),
    async save(now, lease, receipts = []) {
      const terms =
        lease.extensions === now.lease.extensions ? now.terms : termsOf(options.net, lease)
      await records.putWithReceipts(lease, receipts)
      now.lease = lease
      now.terms = terms
      changes.changed(now.id)
    },
    add(lease, hold) {
      const now: HostedNow = {
        id: hexOf(lease.leaseId),
        terms: termsOf(options.net, lease),
        lease,
        container: undefined,
        isUnseen: false,
        env: undefined,
        isAskedFor: false,
        removal: 'none',
        progress: undefined,
        diskUsedMiB: undefined,
        notice: undefined,
        troubles: noTroubles(),
        registryAuth: undefined,
        starting: Promise.resolve(),
        closing: new AbortController(),
        hold,
        from: hold?.from,
      }
      live.set(now.id, now)
      return now
    },
    background(work) {
      const handled = work
        .catch((error: unknown) => {
          if (!lifetime.signal.aborted) options.log.error('lease-work-failed', error)
        })
        .finally(() => working.delete(handled))
      working.add(handled)
    },
    idle: async () => void (await Promise.all(working)),
  }
}

/** The engine that a lease is on. */
export const hostOf = (
  { engines }: Pick<HostOptions, 'engines'>,
  { hostEngine }: Pick<HostedLease, 'hostEngine'>,
): HostEngine => engines.named(hostEngine)

/** What runs there, or REFUSED_NO_ENGINE with what the operator has to install. */
export function engineOf({ engine }: HostEngine): Engine {
  if (!(engine instanceof NodeError)) return engine
  throw new NodeError('REFUSED_NO_ENGINE', `this miner runs no containers: ${engine.message}`, {
    cause: engine,
    next: 'take an offer of another miner',
  })
}

/** What a peer is told of a lease. */
export function statusOf(
  book: Pick<HostOptions, 'engines'>,
  lease: HostedLease,
  terms: Terms,
  progress?: string,
): LeaseStatus {
  const { startedAtMs, ending, meter } = lease
  const { engine } = hostOf(book, lease)
  return {
    leaseId: lease.leaseId,
    state: lease.state,
    health: lease.health,
    engine: engine instanceof NodeError ? 'none' : engine.label,
    seq: meter?.seq ?? 0,
    cumulative: lease.cumulative,
    ...(progress === undefined ? {} : { progress }),
    ...(startedAtMs === undefined
      ? {}
      : { startedAtMs, expiresAtMs: startedAtMs + terms.durationMs }),
    ...(ending === undefined ? {} : { reason: ending.reason }),
    ...(ending?.code === undefined ? {} : { ending: ending.code }),
  }
}
