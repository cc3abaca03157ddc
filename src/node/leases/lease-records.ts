import { z } from 'zod'
import { healths, leaseStates } from '../../lease-states.ts'
import { cborCodec, type Message } from '../../protocols/codec.ts'
import { EXTENSION_MAX_BYTES, MAX_EXTENSIONS, signedExtension } from '../../protocols/extension.ts'
import {
  baseUnits,
  bytes,
  bytesUpTo,
  codeName,
  integer,
  MAX_REASON,
  text,
  timeMs,
} from '../../protocols/fields.ts'
import { advanceSchema } from '../../protocols/receipts.ts'
import { MiB } from '../../units.ts'
import type { Bucket, Store } from '../store.ts'

/** At most this many ports of a lease are remembered. */
export const MAX_PORTS = 16
const MAX_LABELS = 32

/** A label's name, and any printable value. */
export const labelName = () =>
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'must be letters, digits and ._/-')
export const labels = () =>
  z
    .record(labelName(), text(128))
    .refine((all) => Object.keys(all).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`)

/** What pauses a container: `credit`, what was used is not countersigned; `renter`, its renter wishes so. */
export const pauseCauses = ['credit', 'renter'] as const
export type PauseCause = (typeof pauseCauses)[number]

const ending = z.looseObject({
  outcome: z.enum(['ended', 'failed']),
  reason: text(MAX_REASON),
  code: codeName().optional(),
})
const count = integer(0, Number.MAX_SAFE_INTEGER)

const progress = {
  leaseId: bytes(32),
  state: z.enum(leaseStates),
  startedAtMs: timeMs().optional(),
  ending: ending.optional(),
  createdAtMs: timeMs(),
  minerTerms: bytesUpTo(MiB),
  /** Every extension that counts, in order, as both signed it. */
  extensions: z.array(signedExtension).max(MAX_EXTENSIONS).optional(),
  /** The newest countersigned receipt, what it acknowledges, and the voucher that goes with it. */
  acknowledgedSeq: count,
  acknowledged: baseUnits(),
  countersigned: bytesUpTo(MiB).optional(),
  voucher: bytesUpTo(MiB).optional(),
  /** What the renter signed in advance, newest and largest. */
  advance: advanceSchema.optional(),
  /** What the newest receipt says is owed, base units. */
  cumulative: baseUnits(),
  /** What the ledger paid the miner in the end, base units. */
  settled: baseUnits().optional(),
}

/** A lease as its miner keeps it. */
export const hostedLeaseCodec = cborCodec(
  z.looseObject({
    ...progress,
    renterTerms: bytesUpTo(MiB).optional(),
    health: z.enum(healths),
    closedAtMs: timeMs().optional(),
    /** How long its image took to be there. */
    pullMs: count.optional(),
    /** Settled while its engine did not answer: its container may be there, and its devices are its own. */
    containerStays: z.literal(true).optional(),
    /** Which of this miner's engines it is on; absent: the default one. */
    hostEngine: text(32).optional(),
    /** Why its container is paused; each cause is lifted by its own. */
    pausedBy: z.array(z.enum(pauseCauses)).optional(),
    /** Since when it is for `credit`. */
    pausedAtMs: timeMs().optional(),
    /** Since when somebody on the host keeps it paused, by the steady clock. */
    hostPausedAtMs: timeMs().optional(),
    /** An extension that this miner signed and whose money it has not seen; it stands by it until `untilMs`. */
    offered: z
      .object({
        miner: bytesUpTo(EXTENSION_MAX_BYTES),
        renter: bytesUpTo(EXTENSION_MAX_BYTES),
        untilMs: timeMs(),
      })
      .optional(),
    meter: z
      .object({
        leaseId: bytes(32),
        seq: count,
        prev: bytes(32),
        upMs: count,
        observedAtMs: timeMs(),
        isWell: z.boolean().default(true),
      })
      .optional(),
  }),
  4 * MiB,
)
export type HostedLease = Message<typeof hostedLeaseCodec>

/** Whether a hosted lease's container is paused, or about to be. */
export const isPaused = ({ pausedBy = [] }: Pick<HostedLease, 'pausedBy'>): boolean =>
  pausedBy.length > 0

/** Whether what it uses is not billed: nobody has said yet that it will be paid. A renter's own pause is billed. */
export const isUnbilled = ({ pausedBy = [] }: Pick<HostedLease, 'pausedBy'>): boolean =>
  pausedBy.includes('credit')

/** A lease as its renter keeps it. */
export const rentedLeaseCodec = cborCodec(
  z.looseObject({
    ...progress,
    renterTerms: bytesUpTo(MiB),
    /** When the renter asked for the container: no receipt may claim more than the time since. */
    acceptedAtMs: timeMs(),
    /** The time since then, and the clock when that was noted; absent in records of an earlier version. */
    elapsed: z.object({ ms: count, wallMs: timeMs() }).optional(),
    /** What the miner did that this node did not countersign, with the record it sent. */
    dispute: z
      .object({
        code: text(64),
        reason: text(300),
        atMs: timeMs(),
        record: bytesUpTo(MiB).optional(),
      })
      .optional(),
    health: z.enum(healths),
    engine: text(96).optional(),
    expiresAtMs: timeMs().optional(),
    /** Who asks again with the same key gets this lease. */
    idempotencyKey: text(128).optional(),
    /** An extension that this node signed and that does not count yet. */
    extending: z
      .object({
        renter: bytesUpTo(EXTENSION_MAX_BYTES),
        durationMs: count,
        cap: baseUnits(),
        key: text(128).optional(),
      })
      .optional(),
    /** The keys under which extensions were asked for that count. */
    extendedUnder: z.array(text(128)).max(MAX_EXTENSIONS).optional(),
    /** What its renter calls it by; the miner is not told. */
    labels: labels().optional(),
    /** Ports that `forward` makes local when none is named. */
    ports: z.array(integer(1, 65_535)).max(MAX_PORTS).optional(),
    escrow: z.enum(['none', 'opening', 'open', 'closed']),
    meter: z.object({
      leaseId: bytes(32),
      seq: count,
      prev: bytes(32),
      upMs: count,
      ended: z.boolean(),
    }),
  }),
  4 * MiB,
)
export type RentedLease = Message<typeof rentedLeaseCodec>

export const hexOf = (id: Uint8Array): string => Buffer.from(id).toString('hex')

export interface NumberedReceipt {
  readonly seq: number
  readonly bytes: Uint8Array
}

/** Leases and their receipts on disk; `put` returns once it is written. */
export interface LeaseRecords<T extends { leaseId: Uint8Array }> {
  get(id: string): Promise<T | undefined>
  put(lease: T): Promise<void>
  all(): Promise<T[]>
  /** A lease together with its next receipts, all or nothing: else a crash in between would sign a number twice. */
  putWithReceipts(lease: T, receipts: readonly NumberedReceipt[]): Promise<void>
  /** Forgets a lease in which nothing was agreed. */
  remove(id: string): Promise<void>
  /** Signed receipts after `seq`, oldest first. */
  receipts(id: string, after: number, limit: number): Promise<Uint8Array[]>
}

/** Opens one side's leases, e.g. `hosted-leases`. */
export function leaseRecords<T extends { leaseId: Uint8Array }>(
  store: Store,
  name: string,
  codec: { encode(value: T): Uint8Array; decode(bytes: Uint8Array): T },
): LeaseRecords<T> {
  const leases: Bucket = store.bucket(name)
  const receipts: Bucket = store.bucket(`${name}-receipts`)
  return {
    async get(id) {
      const value = await leases.get(id)
      return value === undefined ? undefined : codec.decode(value)
    },
    put: (lease) => leases.put(hexOf(lease.leaseId), codec.encode(lease)),
    async all() {
      const found = await leases.values().all()
      return found.map((value) => codec.decode(value))
    },
    putWithReceipts(lease, records) {
      const id = hexOf(lease.leaseId)
      const batch = store.db.batch().put(id, codec.encode(lease), { sublevel: leases })
      for (const { seq, bytes } of records) {
        batch.put(receiptKey(id, seq), bytes, { sublevel: receipts })
      }
      return batch.write()
    },
    remove: (id) => leases.del(id),
    receipts: (id, after, limit) =>
      receipts.values({ gt: receiptKey(id, after), lt: `${id}/~`, limit }).all(),
  }
}

/** Keys sort as numbers do: sixteen digits hold every safe integer. */
const receiptKey = (id: string, seq: number): string => `${id}/${String(seq).padStart(16, '0')}`
