import { type BeaconInfo, type Pulse, QUICKNET, timeOf } from '../../src/beacon.ts'
import { concat, sha256 } from '../../src/bytes.ts'
import { u32 } from '../../src/gpu/hash.ts'
import { type ProverEffect, ProverSlot } from '../../src/gpu/prover-slot.ts'
import type { Announcement, Final, Line, Tick } from '../../src/gpu/slot.ts'
import {
  type AnyWork,
  type PerWork,
  slotNetworks,
  type Work,
  works,
} from '../../src/gpu/slot-network.ts'
import { fillRoundOf, windowOf } from '../../src/gpu/slot-schedule.ts'
import type { ValidatorEffect, ValidatorEvent, VerdictRow } from '../../src/gpu/slot-testimony.ts'
import { tickChain } from '../../src/gpu/tick-chain.ts'
import { ValidatorSlot } from '../../src/gpu/validator-slot.ts'

/** The network whose slots are simulated, and its clock. */
export const net = slotNetworks.finney
export const beacon: BeaconInfo = QUICKNET

/** When something sent at `sentMs` arrives; null for never. May remember what it carried before. */
export type Link = (sentMs: number) => number | null

/** A prover that did this many passes or steps so long after its work began. */
export type Pace = (work: Work, sinceMs: number) => number

export interface SimulatedGpu {
  readonly gpu: Announcement
  readonly pace: Pace
  /** One per validator. */
  readonly links: readonly Link[]
}

/** What one validator told of a slot. */
export interface Heard {
  readonly lines: readonly Line[]
  readonly verdicts: readonly VerdictRow[]
  readonly abstained: string | undefined
}

/** Slot number `i` of as many as are asked for: any that an epoch allows will do. */
export const slotNumber = (i: number): number =>
  7200 * (1 + Math.floor(i / 70)) + 60 + 100 * (i % 70)

/** A pulse as good as a beacon's: the machines believe what they are given. */
const pulseOf = (round: number): Pulse => {
  const randomness = sha256(u32(round))
  return { round, randomness, signature: new Uint8Array(48) }
}

const root = (i: number): Uint8Array => (roots[i] ??= sha256(u32(i)))
const roots: Uint8Array[] = []

/** A look at the clock comes up to so much late (TURN_MS of the services). */
const TURN_MS = 20

type Told =
  | { readonly type: 'tick'; readonly tick: Tick; readonly sentMs: number }
  | { readonly type: 'final'; readonly tick: Final; readonly sentMs: number }
  | { readonly type: 'openings'; readonly sentMs: number }
type Opened = Extract<ProverEffect, { type: 'open' }>

/** One prover's slot in virtual time: everything it sends, and what it would open. */
function prove({ gpu, pace }: SimulatedGpu, slot: number, random: () => number) {
  const prover = new ProverSlot(net, beacon, gpu, slot)
  const told: Told[] = []
  let opened: Opened | undefined
  const began: Partial<Record<AnyWork, number>> = {}
  const done: { -readonly [W in Work]: number } = { residency: 0, gemm: 0 }
  const act = (effects: readonly ProverEffect[], sentMs: number): void => {
    for (const effect of effects) {
      if (effect.type === 'start') began[effect.work] = sentMs
      if (effect.type === 'tick') told.push({ type: 'tick', tick: effect.tick, sentMs })
      if (effect.type === 'final') told.push({ type: 'final', tick: effect.final, sentMs })
      if (effect.type === 'open') {
        opened = effect
        told.push({ type: 'openings', sentMs: sentMs + 2000 + 20_000 * random() })
      }
    }
  }
  const work = (nowMs: number): void => {
    for (const one of works) {
      const sinceMs = began[one]
      if (sinceMs === undefined) continue
      const until = Math.floor(pace(one, nowMs - sinceMs))
      for (; done[one] < until; done[one]++) {
        prover.handle({ type: 'root', work: one, root: root(done[one]) })
      }
    }
  }
  const rounds = [fillRoundOf(net, slot)!, slot, slot + net.starts.gemm, slot + net.open]
  const pulses = rounds.map((round) => ({ round, atMs: timeOf(beacon, round) + 400 * random() }))
  const turns = works.flatMap((one) => {
    const { fromMs } = windowOf(net, beacon, slot, one)
    const ticks = net.windowMs[one] / net.tickMs
    return Array.from({ length: ticks }, (_, i) => ({
      round: undefined,
      atMs: fromMs + (i + 1) * net.tickMs + TURN_MS * random(),
    }))
  })
  for (const { round, atMs } of [...pulses, ...turns].toSorted((a, b) => a.atMs - b.atMs)) {
    work(atMs)
    const event =
      round === undefined
        ? ({ type: 'time', nowMs: atMs } as const)
        : ({ type: 'pulse', pulse: pulseOf(round) } as const)
    act(prover.handle(event), atMs)
  }
  return { told, opened }
}

/** The heads of what a prover opens, as a verifier would find them. */
function headsOf({ statements, counts, finals }: Opened): PerWork<readonly Uint8Array[]> {
  const rootsOf = (work: Work) =>
    concat(Array.from({ length: finals[work].count }, (_, i) => root(i)))
  return {
    residency: tickChain(statements.residency.passSeed, counts.residency, rootsOf('residency')),
    gemm: tickChain(statements.gemm.seed, counts.gemm, rootsOf('gemm')),
  }
}

/**
 * One slot of some GPUs before some validators, in virtual time and by the real machines of both sides. Openings are as
 * good as the ticks: what is simulated is who hears what when.
 */
export function simulateSlot(
  slot: number,
  gpus: readonly SimulatedGpu[],
  random: () => number,
  validBefore: readonly ReadonlySet<string>[] = [],
): Heard[] {
  const proven = gpus.map((one) => carried({ ...one, ...prove(one, slot, random) }))
  const replayed = new Map(
    proven.flatMap(({ gpu, opened }) =>
      opened === undefined
        ? []
        : [[gpu.peerId, { heads: headsOf(opened), counts: opened.counts }] as const],
    ),
  )
  return (gpus[0]?.links ?? []).map((_, v): Heard => {
    const machine = new ValidatorSlot({
      net,
      beacon,
      gpus: gpus.map(({ gpu }) => gpu),
      slot,
      validBefore: validBefore[v] ?? new Set(),
    })
    const heard = { lines: [] as readonly Line[], verdicts: [] as VerdictRow[] }
    let abstained: string | undefined
    const act = (effects: readonly ValidatorEffect[]): void => {
      for (const effect of effects) {
        if (effect.type === 'report') heard.lines = effect.lines
        if (effect.type === 'verdicts') heard.verdicts.push(...effect.rows)
        if (effect.type === 'abstained') abstained = effect.why
        if (effect.type !== 'pull') continue
        const { miner, gpu, content } = effect
        const result = { ok: true, ...replayed.get(miner)!, content } as const
        act(machine.handle({ type: 'checked', miner, gpu, result }))
      }
    }
    for (const { event } of arrivals(proven, v, slot, random)) act(machine.handle(event))
    return { ...heard, abstained }
  })
}

type Proven = SimulatedGpu & ReturnType<typeof prove>

/** When each message arrives at each validator; those behind one line share its fate. */
function carried(one: Proven) {
  const byLink = new Map<Link, readonly (number | null)[]>()
  for (const link of one.links) {
    if (!byLink.has(link)) {
      byLink.set(
        link,
        one.told.map(({ sentMs }) => link(sentMs)),
      )
    }
  }
  return { ...one, arrivalsMs: one.links.map((link) => byLink.get(link)!) }
}

/** Everything that reaches one validator, in order. */
function arrivals(
  proven: readonly ReturnType<typeof carried>[],
  v: number,
  slot: number,
  random: () => number,
): { readonly atMs: number; readonly event: ValidatorEvent }[] {
  const found: { atMs: number; event: ValidatorEvent }[] = []
  for (const { gpu, arrivalsMs, told } of proven) {
    const { peerId: miner, gpuId } = gpu
    for (const [i, one] of told.entries()) {
      const atMs = arrivalsMs[v]![i]!
      if (atMs === null) continue
      const event: ValidatorEvent =
        one.type === 'openings'
          ? { type: 'openings', miner, gpu: gpuId, content: root(0), proveMs: 1 }
          : { ...one, miner, atMs }
      found.push({ atMs, event })
    }
  }
  for (const round of [fillRoundOf(net, slot)!, slot, slot + net.starts.gemm, slot + net.open]) {
    const atMs = timeOf(beacon, round) + 400 * random()
    found.push({ atMs, event: { type: 'pulse', pulse: pulseOf(round), atMs } })
  }
  for (const offset of [net.close, net.commit, net.reveal, net.end]) {
    const nowMs = timeOf(beacon, slot + offset) + TURN_MS * random()
    found.push({ atMs: nowMs, event: { type: 'time', nowMs } })
  }
  return found.toSorted((a, b) => a.atMs - b.atMs)
}
