import { type BeaconInfo, roundAt, timeOf } from '../beacon.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import {
  attestationsTopic,
  type Report,
  type ReportCommit,
  reportCommitKind,
  reportKind,
  type VerdictRow,
  type Verdicts,
  verdictKind,
} from '../protocols/attestations.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import { openRecord, peekRecord, recordTypes, type Signed } from '../protocols/signed.ts'
import { admits, type RecordKind, type Verdict } from '../protocols/topic.ts'
import { MiB } from '../units.ts'
import { inOrderOfArrival } from './arrivals.ts'
import type { Book } from './books.ts'
import type { Core } from './core.ts'
import { windowMsOf } from './scoring/window-age.ts'
import { type Payload, type Said, type SlotTestimony, slotTestimony } from './slot-testimony.ts'
import { isPermitted, permittedName, type ValidatorView } from './validator-view.ts'
import { WaitingRoom } from './waiting-room.ts'

/** Two different records of one validator in one place: proof of lying. */
export interface Equivocation {
  readonly slot: number
  readonly validator: string
  readonly records: readonly [Uint8Array, Uint8Array]
}

/** Validators' testimony as this node knows it, kept in the store. */
export interface Attestations {
  readonly books: readonly Book[]
  admit(record: Signed<ReportCommit | Report | Verdicts>): Promise<Verdict>
  /** Keeps this node's own testimony: right after a start it may not yet see on chain that it is permitted. */
  keepOwn(record: Signed<ReportCommit | Report | Verdicts>): Promise<Verdict>
  /** Peers that testified and are not, or not yet, known to be permitted: whoever asks the DHT about them may find out. */
  waiting(): string[]
  /** Takes what they said, as of when it came, once they are; resolves with how much was taken. */
  reconsider(): Promise<number>
  /** What was said of the slots in a range, oldest first; all by default. */
  slots(from?: number, to?: number): SlotTestimony[]
  /** How many records are held. */
  size(): number
  equivocations(): readonly Equivocation[]
  /** Every verdict known on a device in a slot, with the PeerId of who gave it. */
  verdictsOn(slot: number, miner: string, gpu: string): readonly GivenVerdict[]
  /** Whether anybody testified about a device in a slot. */
  isTestified(slot: number, miner: string, gpu: string): boolean
}

export interface GivenVerdict {
  readonly validator: string
  readonly row: VerdictRow
  /** The signed batch in which it stands. */
  readonly record: Signed<Verdicts>
}

export interface AttestationsOptions {
  readonly beacon: BeaconInfo
  readonly slots: SlotNetwork
  readonly validators: ValidatorView
  /** What is kept of one validator at most; a test makes it less. */
  readonly kept?: { readonly slots: number; readonly bytes: number }
}

type AttestationsCore = Pick<Core, 'net' | 'store' | 'events' | 'log' | 'nowMs'>

interface Held extends Said {
  readonly key: string
}

/**
 * What is kept of one validator, which names its slots itself; what it said of older ones is forgotten. One slot of a
 * thousand GPUs is about 0.6 MB, of chunks that say nothing up to 12 MiB.
 */
const KEPT = { slots: 512, bytes: 256 * MiB }
const SKEW_MS = 30_000
/** Added to a commit's deadline for its way through gossip. */
const GOSSIP_ROUNDS = 1
const DAY_MS = 86_400_000

const kinds = [reportCommitKind, reportKind, verdictKind] as RecordKind<Payload>[]
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const padded = (n: number, width: number): string => String(n).padStart(width, '0')

/** Loads what was kept and goes on from there. */
export async function createAttestations(
  core: AttestationsCore,
  options: AttestationsOptions,
): Promise<Attestations> {
  const { net, store, events, log, nowMs } = core
  const { beacon, slots, validators, kept = KEPT } = options
  const bucket = store.bucket('attestations')
  const evidence = store.bucket('equivocations')
  const startedMs = nowMs()
  const scoredMs = windowMsOf(net.network, slots, beacon.periodMs)
  const held = new Map<string, Held>()
  const bySlot = new Map<number, Set<Held>>()
  const slotsOf = new Map<string, Set<number>>()
  const bytesOf = new Map<string, number>()
  const conflicts = new Map<string, Equivocation>()
  /** `slot/validator` of every contradiction: nothing that validator said of the slot counts. */
  const liars = new Set<string>()
  const known = new Set<string>()
  /** Another number whenever a record came or went. */
  let revision = 0
  /** A validator's commit that comes a second time, through sync, is late: so the first one waits here. */
  const waiting = new WaitingRoom<Held>()

  const place = (record: Signed<Payload>, type: number): Held => {
    const { slot, chunk } = record.payload
    const key = `${padded(slot, 16)}/${type}/${hex(record.publicKey)}/${padded(chunk, 2)}`
    const deadlineMs = timeOf(beacon, slot + slots.commit + GOSSIP_ROUNDS)
    const late = type === recordTypes.reportCommit && startedMs < deadlineMs && nowMs() > deadlineMs
    return { key, type, slot, chunk, validator: peerIdOfKey(record.publicKey), record, late }
  }

  /** What the clock says against a record, or null; it may change its mind, so it is never punished. */
  const untimely = ({ slot }: Held): string | null => {
    if (slot % slots.stride !== 0) return 'no slot starts at that round'
    if (timeOf(beacon, slot) > nowMs() + SKEW_MS) return 'a slot of the future'
    return timeOf(beacon, slot) < nowMs() - takenMs(slot) ? 'a slot long past' : null
  }

  /** Who was there when a slot was a day old has heard what was said of it in time; who came later cannot tell. */
  const takenMs = (slot: number): number =>
    startedMs < timeOf(beacon, slot) + DAY_MS ? DAY_MS : Math.max(DAY_MS, scoredMs)

  async function admitAs(
    kind: RecordKind<Payload>,
    record: Signed<Payload>,
    from: string,
  ): Promise<Verdict> {
    const item = place(record, kind.type)
    const why = untimely(item)
    if (why !== null) return { ignore: why }
    if (isPermitted(validators, item.validator)) return keep(item)
    const what = `${item.key}/${hex(record.id)}`
    waiting.add(item.validator, what, item, record.bytes.length, from)
    return { ignore: 'not by a permitted validator' }
  }

  async function reconsider(): Promise<number> {
    const peers = waiting.peers()
    if (peers.length === 0) return 0
    const permitted = new Set(validators.validators().map(({ peerId }) => peerId))
    const items = peers.filter((peer) => permitted.has(peer)).flatMap((peer) => waiting.take(peer))
    let taken = 0
    for (const item of items) if ((await keep(item)) === 'accept') taken += 1
    return taken
  }

  async function keep(item: Held): Promise<Verdict> {
    const before = held.get(item.key)
    if (before !== undefined) return keepConflict(before, item)
    hold(item)
    await bucket.put(item.key, Buffer.concat([Uint8Array.of(item.late ? 1 : 0), item.record.bytes]))
    tell(item)
    await forget(item.validator)
    return 'accept'
  }

  /** A validator's first contradiction in a slot travels on and is kept as evidence; more of them prove nothing more. */
  async function keepConflict(before: Held, item: Held): Promise<Verdict> {
    if (Buffer.compare(before.record.id, item.record.id) === 0) return { ignore: 'known' }
    const { slot, validator } = item
    if (liars.has(`${slot}/${validator}`)) return { ignore: 'one contradiction is enough' }
    liars.add(`${slot}/${validator}`)
    known.add(hex(item.record.id))
    revision += 1
    conflicts.set(item.key, { slot, validator, records: [before.record.bytes, item.record.bytes] })
    await evidence.put(item.key, item.record.bytes)
    events.emit('equivocation-kept', { slot, validator })
    return 'accept'
  }

  function hold(item: Held): void {
    const { key, slot, validator, record } = item
    revision += 1
    held.set(key, item)
    bySlot.set(slot, (bySlot.get(slot) ?? new Set()).add(item))
    slotsOf.set(validator, (slotsOf.get(validator) ?? new Set()).add(slot))
    bytesOf.set(validator, (bytesOf.get(validator) ?? 0) + record.bytes.length)
    known.add(hex(record.id))
  }

  function tell({ type, slot, validator, record }: Held): void {
    if (type !== recordTypes.verdict) return
    for (const { miner, gpu, verdict } of (record.payload as Verdicts).rows) {
      events.emit('attestation-seen', { slot, validator, miner, gpu, verdict })
    }
  }

  /** Nobody pushes out another's words: a validator's own oldest go. */
  async function forget(validator: string): Promise<void> {
    const own = slotsOf.get(validator) ?? new Set()
    while (own.size > kept.slots || (bytesOf.get(validator) ?? 0) > kept.bytes) {
      const slot = Math.min(...own)
      own.delete(slot)
      await forgetSlot(slot, validator)
    }
  }

  async function forgetSlot(slot: number, validator: string): Promise<void> {
    revision += 1
    const all = bySlot.get(slot)
    for (const item of [...(all ?? [])].filter((one) => one.validator === validator)) {
      const { key, record } = item
      all?.delete(item)
      held.delete(key)
      bytesOf.set(validator, (bytesOf.get(validator) ?? 0) - record.bytes.length)
      known.delete(hex(record.id))
      await bucket.del(key)
    }
    if (all?.size === 0) bySlot.delete(slot)
    liars.delete(`${slot}/${validator}`)
    for (const [key, conflict] of conflicts) {
      if (conflict.slot !== slot || conflict.validator !== validator) continue
      conflicts.delete(key)
      await evidence.del(key)
    }
    log.debug('attestations-forgotten', { slot, validator })
  }

  async function restore(): Promise<void> {
    for await (const [key, value] of bucket.iterator()) {
      const record = openStored(value.subarray(1))
      if (record === undefined) await bucket.del(key)
      else hold({ ...place(record.record, record.type), late: value[0] === 1 })
    }
    for await (const [key, value] of evidence.iterator()) {
      const [before, record] = [held.get(key), openStored(value)]
      if (before === undefined || record === undefined) {
        await evidence.del(key)
        continue
      }
      const { slot, validator } = before
      conflicts.set(key, { slot, validator, records: [before.record.bytes, record.record.bytes] })
      liars.add(`${slot}/${validator}`)
      known.add(hex(record.record.id))
    }
  }

  function openStored(bytes: Uint8Array) {
    try {
      const { type } = peekRecord(net, bytes)
      const kind = kinds.find((one) => one.type === type)
      if (kind === undefined) return undefined
      return { type, record: openRecord(net, kind.type, kind.codec, bytes) }
    } catch (error) {
      log.error('stored-attestation-unreadable', error)
      return undefined
    }
  }

  const ofSlot = (slot: number, type: number): Held[] =>
    [...(bySlot.get(slot) ?? [])].filter((item) => item.type === type)

  await restore()
  return {
    books: [
      {
        topic: attestationsTopic,
        admissions: kinds.map((kind) =>
          admits(kind, (record, from) => admitAs(kind, record, from)),
        ),
        known: (id) => known.has(hex(id)),
        records: inOrderOfArrival(
          () => [
            ...held.values().map(({ record }) => record.bytes),
            ...conflicts.values().map(({ records }) => records[1]),
          ],
          () => revision,
        ),
        judgement: () => permittedName(validators),
      },
    ],
    async admit(record) {
      const { type } = peekRecord(net, record.bytes)
      const kind = kinds.find((one) => one.type === type)
      return kind === undefined ? { reject: 'no attestation' } : admitAs(kind, record, '')
    },
    waiting: () => waiting.peers(),
    reconsider,
    keepOwn: (record) => keep(place(record, peekRecord(net, record.bytes).type)),
    slots(from = 0, to = roundAt(beacon, nowMs()) + 1) {
      return [...bySlot]
        .filter(([slot]) => slot >= from && slot <= to)
        .toSorted(([a], [b]) => a - b)
        .map(([slot, items]) => slotTestimony(slot, [...items], net, liars))
    },
    size: () => bySlot.values().reduce((sum, items) => sum + items.size, 0),
    equivocations: () => [...conflicts.values()],
    verdictsOn: (slot, miner, gpu) =>
      ofSlot(slot, recordTypes.verdict).flatMap(({ validator, record }) =>
        (record.payload as Verdicts).rows
          .filter((row) => row.miner === miner && row.gpu === gpu)
          .map((row) => ({ validator, row, record: record as Signed<Verdicts> })),
      ),
    isTestified: (slot, miner, gpu) =>
      [recordTypes.report, recordTypes.verdict].some((type) =>
        ofSlot(slot, type).some(({ record }) =>
          (record.payload as Report | Verdicts).rows.some(
            (row) => row.miner === miner && row.gpu === gpu,
          ),
        ),
      ),
  }
}
