import { hash } from 'node:crypto'
import { type BeaconInfo, timeOf } from '../../beacon.ts'
import { equalBytes } from '../../bytes.ts'
import { messageOf } from '../../errors.ts'
import type { SlotNetwork } from '../../gpu/slot-network.ts'
import {
  type Fraud,
  type FraudKind,
  finalOf,
  fraudCodec,
  fraudKind,
  sealFraud,
  workOf,
} from '../../protocols/fraud.ts'
import { noticesTopic } from '../../protocols/offers.ts'
import { openRecord, recordTypes, type Signed } from '../../protocols/signed.ts'
import { admits, topicName, type Verdict } from '../../protocols/topic.ts'
import { hoursMs, minutesMs } from '../../units.ts'
import { inOrderOfArrival } from '../arrivals.ts'
import type { Attestations } from '../attestations.ts'
import type { Book } from '../books.ts'
import type { Core } from '../core.ts'
import type { Proof } from '../scoring/suspension.ts'
import { permittedName, type ValidatorView, voiceOf } from '../validator-view.ts'
import type { FalseValue, JudgeNeeds } from './judge-fraud.ts'
import { judgeFraud } from './judge-fraud.ts'
import { PROOF_LIMITS, type ProofLimits, type ShelvedProof, whichGo } from './proof-room.ts'

/** Proofs of fraud as this node knows them, each verified once, kept in the store. */
export interface Frauds {
  readonly book: Book
  /** Signs, keeps and gossips a proof; `ignore` when one of its place stands already. */
  publish(fraud: Fraud): Promise<Verdict>
  /** What stands against GPUs. */
  proofs(): readonly Proof[]
  /** PeerIds of validators that gave a provably false verdict in a slot: what they said of it does not count. */
  liars(slot: number): ReadonlySet<string>
  /** Another number whenever something was proven. */
  revision(): number
}

export interface FraudNeeds extends JudgeNeeds {
  readonly core: Pick<Core, 'net' | 'key' | 'store' | 'events' | 'log' | 'nowMs'> & {
    readonly libp2p: { readonly services: Pick<Core['libp2p']['services'], 'gossip'> }
  }
  readonly attestations: Attestations
  readonly beacon: BeaconInfo
  readonly slots: SlotNetwork
  readonly validators: ValidatorView
  /** Whether a registered hotkey bound a peer: proofs against others are the first to go. */
  readonly isBound: (peerId: string) => boolean
  readonly limits?: ProofLimits
}

interface Standing extends ShelvedProof {
  readonly record: Signed<Fraud>
  readonly falseValue: FalseValue | undefined
}

/** Proofs of this age are taken; older ones can matter to no score (below). */
const TAKEN_MS = hoursMs(24 * 14)
/**
 * Proofs against one bound accused about devices of which no testimony is known here: a newcomer has none of strikes
 * before the scores' window, nor of a slot that sync has not brought yet. Each takes a moment to judge.
 */
const UNTESTIFIED = 128
/**
 * As long as strikes can matter: a slot of the scores' window (three days on average) may lie at the end of a suspension
 * of seven days, whose first strike came three days before it (scoring.md §6). Nodes forget at different moments, so
 * there is room beyond these thirteen.
 */
const KEPT_MS = hoursMs(24 * 18)
const SKEW_MS = 30_000
/** Proofs that wait for their verdict; one takes up to 0.1 s. */
const MAX_WAITING = 16

/** Testimony of a slot has come by then. */
const SETTLED_MS = minutesMs(10)
/** Bits of the byte before a stored record. */
const SAMPLED = 1
const BOUND = 2

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The place of a proof, in the order of slots: the first one stands (DESIGN.md, "Who may publish"). */
const placeOf = ({ slot, accused, miner, gpu, kind }: Fraud): string => {
  const names = hash('sha256', JSON.stringify([accused, miner, gpu, kind]))
  return `${String(slot).padStart(16, '0')}/${names.slice(0, 32)}`
}
const KNOWN = 'one of its place is known'

/** Loads what was kept and goes on from there. */
export async function createFrauds(needs: FraudNeeds): Promise<Frauds> {
  const { core, attestations, beacon, limits = PROOF_LIMITS } = needs
  const { net, key, store, events, log, nowMs, libp2p } = core
  const bucket = store.bucket('frauds')
  const standing = new Map<string, Standing>()
  const known = new Set<string>()
  /** Ids of proofs that are judged, and places that are written. */
  const pending = new Set<string>()
  const writing = new Set<string>()
  let revision = 0

  /**
   * Where a proof stands; undefined when what it shows is known. Beside the first of its place stands one for every Final
   * that somebody called VALID and whose check had to see the value: else a miner that hurries to show another false
   * value of its own would cover for who vouched for it, at some nodes and not at others.
   */
  function placeFor(fraud: Fraud, value: FalseValue | undefined): string | undefined {
    const first = placeOf(fraud)
    if (!standing.has(first) && !writing.has(first)) return first
    if (value?.isSampled !== true || shows(standing.get(first), value)) return undefined
    const own = `${first}/${hex(value.head).slice(0, 32)}`
    const isFree = !standing.has(own) && !writing.has(own)
    return isFree && whoPraised(attestations, fraud, value).length > 0 ? own : undefined
  }

  /** Why a proof is not even looked at now, or null; clock, testimony and load may change. */
  function unwanted({ id, payload }: Signed<Fraud>): string | null {
    const { slot, miner, gpu } = payload
    const ms = timeOf(beacon, slot)
    if (pending.has(hex(id))) return KNOWN
    if (placeFor(payload, falseValueIn(payload, true)) === undefined) return KNOWN
    if (ms > nowMs() + SKEW_MS) return 'a slot of the future'
    if (ms < nowMs() - TAKEN_MS) return 'a slot long past'
    if (!attestations.isTestified(slot, miner, gpu) && !isBelievedUnheard(payload)) {
      return 'nobody testified about the device'
    }
    return pending.size >= MAX_WAITING ? 'too many wait' : null
  }

  function isBelievedUnheard({ accused }: Fraud): boolean {
    if (!needs.isBound(accused)) return false
    const unheard = standing
      .values()
      .filter((one) => one.accused === accused)
      .filter(({ record: { payload: p } }) => !attestations.isTestified(p.slot, p.miner, p.gpu))
    return [...unheard].length < UNTESTIFIED
  }

  async function admit(record: Signed<Fraud>): Promise<Verdict> {
    const why = unwanted(record)
    if (why !== null) return { ignore: why }
    const id = hex(record.id)
    pending.add(id)
    try {
      const judged = await judgeFraud(needs, record.payload)
      if (judged.verdict !== 'accept') return judged.verdict
      const { falseValue } = judged
      const place = placeFor(record.payload, falseValue)
      if (place === undefined) return { ignore: KNOWN }
      const one = standingOf(record, falseValue)
      const going = new Set<Standing>(whichGo([...standing.values(), one], limits))
      if (going.has(one)) return { ignore: 'no room for it' }
      await keep(place, one)
      await drop((old) => going.has(old))
      return 'accept'
    } finally {
      pending.delete(id)
    }
  }

  async function keep(place: string, one: Standing): Promise<void> {
    const { record, falseValue } = one
    const flags = (falseValue?.isSampled === true ? SAMPLED : 0) | (one.isBound() ? BOUND : 0)
    writing.add(place)
    try {
      await bucket.put(place, Buffer.concat([Uint8Array.of(flags), record.bytes]))
    } finally {
      writing.delete(place)
    }
    hold(place, one)
    const { kind, slot, accused, miner, gpu } = record.payload
    events.emit('fraud-proven', { kind, slot, accused, miner, gpu })
    log.warn('fraud-proven', { kind, slot, accused, miner, gpu })
    await drop(isLongPast)
  }

  /** As it counts in a full book: a binding once seen holds on, for who is accused could end and renew it. */
  function standingOf(
    record: Signed<Fraud>,
    falseValue: FalseValue | undefined,
    wasBound = false,
  ): Standing {
    const { accused, slot } = record.payload
    let bound = wasBound
    let settled: bigint | undefined
    return {
      ...{ record, falseValue, accused, slot, bytes: record.bytes.length },
      isBound() {
        bound ||= needs.isBound(accused)
        return bound
      },
      stake() {
        const stake = settled ?? stakeOn(record.payload)
        if (timeOf(beacon, slot + needs.slots.end) < nowMs() - SETTLED_MS) settled = stake
        return stake
      },
    }
  }

  /** Stake that gave a verdict on a proof's device in its slot; a hotkey with many nodes counts once. */
  function stakeOn({ slot, miner, gpu }: Fraud): bigint {
    const said = new Set(attestations.verdictsOn(slot, miner, gpu).map((one) => one.validator))
    const voices = needs.validators.validators().filter(({ peerId }) => said.has(peerId))
    const stakes = new Map(voices.map((one) => [voiceOf(one), one.stake]))
    return stakes.values().reduce((sum, stake) => sum + stake, 0n)
  }

  function hold(place: string, one: Standing): void {
    standing.set(place, one)
    known.add(hex(one.record.id))
    revision += 1
  }

  /** Nobody is accused for ever. */
  const isLongPast = ({ slot }: Standing): boolean => timeOf(beacon, slot) < nowMs() - KEPT_MS

  async function drop(goes: (one: Standing) => boolean): Promise<void> {
    for (const [place, one] of standing) {
      if (!goes(one)) continue
      standing.delete(place)
      known.delete(hex(one.record.id))
      revision += 1
      await bucket.del(place)
    }
  }

  async function restore(): Promise<void> {
    for await (const [place, value] of bucket.iterator()) {
      try {
        const bytes = value.subarray(1)
        const record = openRecord(net, recordTypes.fraud, fraudCodec, bytes)
        const flags = value[0] ?? 0
        const falseValue = falseValueIn(record.payload, (flags & SAMPLED) !== 0)
        hold(place, standingOf(record, falseValue, (flags & BOUND) !== 0))
      } catch (error) {
        log.error('stored-fraud-unreadable', error, { place })
        await bucket.del(place)
      }
    }
    await drop(isLongPast)
  }

  /** The false value that a proof claims, or that was judged before it was kept. */
  function falseValueIn(fraud: Fraud, isSampled: boolean): FalseValue | undefined {
    const isFalse = fraud.kind === 'false-value' || fraud.kind === 'forked-chain'
    const final = isFalse ? finalOf(net, fraud) : null
    if (final === null || fraud.shown === undefined) return undefined
    return { work: workOf(fraud.shown), head: final.head, isSampled }
  }

  const ofKind = (kind: FraudKind): Standing[] =>
    [...standing.values()].filter(({ record }) => record.payload.kind === kind)

  await restore()
  return {
    book: {
      topic: noticesTopic,
      admissions: [admits(fraudKind, admit)],
      known: (id) => known.has(hex(id)),
      records: inOrderOfArrival(
        () => standing.values().map(({ record }) => record.bytes),
        () => revision,
      ),
      // What nobody known to be permitted testified about then may be known now.
      judgement: () => permittedName(needs.validators) ?? 'nobody',
    },
    async publish(fraud) {
      const record = sealFraud(net, key, fraud)
      const verdict = await admit(record)
      if (verdict !== 'accept') return verdict
      try {
        await libp2p.services.gossip.publish(topicName(net, noticesTopic), record.bytes)
      } catch (error) {
        log.debug('fraud-not-published', { reason: messageOf(error) })
      }
      return verdict
    },
    proofs: () => [
      ...ofKind('false-value').map(({ record }) => proofOf(record.payload, 'BAD_VALUE')),
      ...[...ofKind('equivocation'), ...ofKind('forked-chain')].map(({ record }) =>
        proofOf(record.payload, 'EQUIVOCATION'),
      ),
    ],
    liars(slot) {
      const here = ({ record }: Standing): boolean => record.payload.slot === slot
      const accusers = ofKind('false-accusation').filter(here)
      const praisers = [...ofKind('false-value'), ...ofKind('forked-chain')]
        .filter(here)
        .flatMap(({ record, falseValue }) => whoPraised(attestations, record.payload, falseValue))
      return new Set([...accusers.map(({ record }) => record.payload.accused), ...praisers])
    },
    revision: () => revision,
  }
}

const proofOf = ({ slot, miner, gpu }: Fraud, reason: Proof['reason']): Proof => ({
  slot,
  miner,
  gpu,
  reason,
})

/** Whether a proof shows a value under the same head, as one that a check had to see. */
const shows = (one: Standing | undefined, { head }: FalseValue): boolean =>
  one?.falseValue?.isSampled === true && equalBytes(one.falseValue.head, head)

/** Who called openings VALID under the Final that binds a false value among those they must have looked at. */
function whoPraised(
  attestations: Attestations,
  { slot, miner, gpu }: Fraud,
  value: FalseValue | undefined,
): string[] {
  if (value?.isSampled !== true) return []
  const { work, head } = value
  return attestations
    .verdictsOn(slot, miner, gpu)
    .filter(({ row }) => row.verdict === 'VALID')
    .filter(({ row }) => equalBytes(row.heads?.[work] ?? new Uint8Array(), head))
    .map(({ validator }) => validator)
}
