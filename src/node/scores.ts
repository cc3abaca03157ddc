import { type BeaconInfo, roundAt, timeOf } from '../beacon.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import type { Offer, OfferDevice } from '../protocols/offers.ts'
import { hoursMs, minutesMs, secondsMs } from '../units.ts'
import type { Attestations } from './attestations.ts'
import type { BurnBook } from './burn-book.ts'
import { burnedAlpha } from './burned-alpha.ts'
import type { Core } from './core.ts'
import type { FalseWitnesses } from './false-witnesses.ts'
import type { Frauds } from './fraud/fraud-book.ts'
import type { IdleSlots } from './idle-slots.ts'
import type { Standing } from './offer-facts.ts'
import { constantsOf, type ScoringConstants } from './scoring/constants.ts'
import { gpuKey } from './scoring/evidence.ts'
import { median } from './scoring/gpu-score.ts'
import { type MinerScore, type ScoreReport, score } from './scoring/score.ts'
import { isReference } from './scoring/slot-units.ts'
import type { RegisteredHotkey, ScoringBlock } from './scoring-block.ts'
import { evidenceOf, type OneTestimony, voices } from './slot-evidence.ts'
import type { SlotTestimony } from './slot-testimony.ts'
import { activeOf, type ValidatorView, voiceOf } from './validator-view.ts'

/** Scores as this node computes them from the testimony it has. */
export interface Scores {
  readonly constants: ScoringConstants
  /** The newest slot whose evidence counts now; 0 before the first. */
  cutSlot(): number
  /** The scores of this moment, computed once per slot and chain block. */
  current(): ScoreReport
  /** A miner by PeerId, or by hotkey in hex. */
  of(peerOrHotkey: string): MinerScore | undefined
  /** What offers show of their miner. */
  standingOf(offer: Pick<Offer, 'peerId' | 'devices'>): Standing
  /** What validators measured of a device, with the ids of attestations that say so; undefined before the first. */
  measuredOf(peerId: string, device: string): OfferDevice['measured']
}

export interface ScoresNeeds {
  readonly core: Pick<Core, 'net' | 'nowMs'>
  readonly attestations: Attestations
  readonly frauds: Pick<Frauds, 'proofs' | 'liars' | 'revision'>
  readonly beacon: BeaconInfo
  readonly validators: ValidatorView
  /** Witnesses that this node found false. */
  readonly witnesses?: Pick<FalseWitnesses, 'isFalse' | 'revision'>
  /** What GPUs showed before the testimony that is still there. */
  readonly idleSlots?: IdleSlots
  /** Burned alpha; undefined where nothing is dated. */
  readonly burns?: Pick<BurnBook, 'between'> | undefined
  /** The newest block that was read; undefined before the chain was. */
  readonly block: () => ScoringBlock | undefined
}

/**
 * Reports of a slot have settled this long after its end: 50 blocks of 12 s, on a local network moments. By the time of
 * the block that scores stand on, so that whoever reads one block cuts the evidence at one slot; by this node's clock
 * before the chain was read.
 */
const SETTLED_MS = { local: secondsMs(2), test: minutesMs(10), finney: minutesMs(10) } as const

/** Within this time the same scores are given again: lists ask once per row. */
const FRESH_MS = 500
/** Idle ok slots whose median an offer states. */
const MEASURED_SLOTS = 8

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

export function createScores(needs: ScoresNeeds): Scores {
  const { core, attestations, frauds, witnesses, beacon, validators, block, idleSlots, burns } =
    needs
  const { network } = core.net
  const constants = constantsOf(network)
  const slots = slotNetworks[network]
  let cached: { key: string; report: ScoreReport; atMs: number } | undefined

  /** Slots that had settled by the block that was read, oldest first. */
  function settled(now = block()): SlotTestimony[] {
    const byMs = (now?.atMs ?? core.nowMs()) - SETTLED_MS[network]
    return attestations.slots().filter(({ slot }) => timeOf(beacon, slot + slots.end) <= byMs)
  }

  /** By hotkey, the round from which its slots count: one that registered anew begins anew. */
  const registeredFrom = (all: readonly RegisteredHotkey[]): Map<string, number> =>
    new Map(
      all.map(({ publicKey, sinceMs }) => [
        hex(publicKey),
        sinceMs === undefined ? 0 : roundAt(beacon, sinceMs) + 1,
      ]),
    )

  /** What was burned while the slots were that scores rest on. */
  function burnedIn(known: readonly SlotTestimony[], now: ScoringBlock | undefined) {
    const window = known.slice(-constants.WINDOW_SLOTS)
    const [first, last] = [window[0], window.at(-1)]
    if (burns === undefined || now?.atMs === undefined || first === undefined) return {}
    const fromMs = timeOf(beacon, first.slot)
    return burnedAlpha(
      now,
      now.atMs,
      { fromMs, toMs: timeOf(beacon, last!.slot + slots.end) },
      burns,
    )
  }

  function current(): ScoreReport {
    if (cached !== undefined && core.nowMs() - cached.atMs < FRESH_MS) return cached.report
    const now = block()
    const known = settled(now)
    const active = activeOf(validators.validators())
    const registered = now === undefined ? undefined : registeredFrom(now.registered)
    const burned = burnedIn(known, now)
    const key = JSON.stringify([
      known.map(({ slot, testimony }) => [slot, testimony.map(sizesOf)]),
      active.map((one) => [one.peerId, voiceOf(one), one.stake.toString()]),
      // As far as it cuts a known slot off: a block's time moves the others by a round or two.
      registered &&
        [...registered].map(([hotkey, from]) => [
          hotkey,
          known.findIndex(({ slot }) => slot >= from),
        ]),
      frauds.revision(),
      witnesses?.revision(),
      [...(burned.burned ?? [])],
    ])
    if (cached?.key === key) return keep(key, cached.report)
    const voice = voices(active)
    const report = score(
      {
        slots: known.map((one) =>
          evidenceOf(one, voice, one.slot + slots.open, {
            liars: frauds.liars(one.slot),
            isFalseWitness: (peerId) => witnesses?.isFalse(one.slot, peerId) === true,
          }),
        ),
        validators: [...voice.values()],
        registered,
        ...burned,
        measured: slots.phases.map((phase) => (phase === 'gemm' ? 'steps' : 'passes')),
        windowMs: slots.windowMs,
        proofs: {
          found: frauds.proofs(),
          roundMs: beacon.periodMs,
          roundsPerSlot: Math.max(slots.stride, slots.denominator),
        },
        locality: { windowMs: slots.windowMs.locality, hops: slots.locality.hops },
        leasedWindowMs: slots.leased.windowMs,
        roundMs: beacon.periodMs,
        idleBefore: idleSlots?.all() ?? new Map(),
      },
      constants,
    )
    remember(report)
    return keep(key, report)
  }

  /** The idle slots of every GPU, for as long as a lease may be measured against them. */
  function remember({ miners, from, to }: ScoreReport): void {
    const gpus = [...miners.values()].flatMap((miner) => miner.gpus)
    const found = gpus.map((gpu) => [gpuKey(gpu), gpu.slots.filter(isReference)] as const)
    const dead = Math.ceil((constants.LEASED_DEAD_D * hoursMs(24)) / beacon.periodMs)
    idleSlots?.keep(new Map(found), { from, oldest: to - dead })
  }

  function keep(key: string, report: ScoreReport): ScoreReport {
    cached = { key, report, atMs: core.nowMs() }
    return report
  }

  const of = (id: string): MinerScore | undefined => {
    const { miners } = current()
    return (
      miners.get(id) ??
      [...miners.values()].find(({ gpus }) => gpus.some(({ miner }) => miner === id))
    )
  }

  return {
    constants,
    cutSlot: () => settled().at(-1)?.slot ?? 0,
    current,
    of,
    measuredOf(peerId, device) {
      const gpu = of(peerId)?.gpus.find((one) => one.miner === peerId && one.gpu === device)
      const last = gpu?.slots.filter(isReference).slice(-MEASURED_SLOTS) ?? []
      if (last.length === 0) return undefined
      const newest = last.at(-1)!.slot
      return {
        bandwidthMBps: Math.round(median(last.map((one) => one.gbps)) * 1e3),
        mops: Math.round(median(last.map((one) => one.tops)) * 1e6),
        attestations: attestationsOf(attestations, newest, { miner: peerId, gpu: device }),
      }
    },
    standingOf({ peerId, devices }) {
      const gpus = of(peerId)?.gpus.filter(({ miner }) => miner === peerId)
      if (gpus === undefined) return {}
      const [ok, failed] = [total(gpus, 'ok'), total(gpus, 'failed')]
      return {
        score: gpus.reduce((sum, gpu) => sum + gpu.score, 0),
        reliability: ok + failed === 0 ? undefined : ok / (ok + failed),
        // Each of what is offered: a device that proves nothing is not verified by another that does.
        verified: devices.every(({ id }) => gpus.some((one) => one.gpu === id && one.ok > 0)),
      }
    },
  }
}

/** The ids of at most four attestations that found a device VALID in a slot. */
const attestationsOf = (
  attestations: Attestations,
  slot: number,
  { miner, gpu }: { miner: string; gpu: string },
): Uint8Array[] =>
  attestations
    .slots(slot, slot)
    .flatMap(({ testimony }) => testimony)
    .filter(({ verdicts }) =>
      verdicts?.rows.some((r) => r.miner === miner && r.gpu === gpu && r.verdict === 'VALID'),
    )
    .flatMap(({ verdictIds }) => verdictIds.slice(0, 1))
    .slice(0, 4)

const total = (gpus: MinerScore['gpus'], name: 'ok' | 'failed'): number =>
  gpus.reduce((sum, gpu) => sum + gpu[name], 0)

/** Enough to see that testimony changed: it only ever grows. */
const sizesOf = ({ validator, report, unbound, verdicts, equivocated }: OneTestimony) => [
  validator,
  report?.rows.length,
  verdicts?.rows.length,
  unbound,
  equivocated,
]
