import type { BeaconInfo, Pulse } from '../beacon.ts'
import { concat } from '../bytes.ts'
import type { Bytes } from './hash.ts'
import { paceIn } from './leased-proofs.ts'
import { hashState } from './locality-proof.ts'
import {
  type Announcement,
  type Final,
  maxCount,
  type SlotPulses,
  type SlotStatements,
  slotStatements,
  type Tick,
  workSeed,
} from './slot.ts'
import { type AnyWork, allWorks, type PerAnyWork, type SlotNetwork } from './slot-network.ts'
import { fillRoundOf, windowOf } from './slot-schedule.ts'
import { tickNext, tickStart, ticksOf } from './tick-chain.ts'

export type ProverEvent =
  | { readonly type: 'pulse'; readonly pulse: Pulse }
  /** The backend finished a pass or a step, or reached a checkpoint: `root` is then the state there, 16 B. */
  | { readonly type: 'root'; readonly work: AnyWork; readonly root: Bytes }
  | { readonly type: 'time'; readonly nowMs: number }

export type ProverEffect =
  | { readonly type: 'start'; readonly work: AnyWork; readonly seed: Bytes }
  | { readonly type: 'stop'; readonly work: AnyWork }
  | { readonly type: 'tick'; readonly tick: Tick }
  /** The close of one kind of work: everything sent before of it must be a prefix of it. */
  | { readonly type: 'final'; readonly final: Final }
  | {
      readonly type: 'open'
      readonly statements: SlotStatements
      readonly counts: PerAnyWork<readonly number[]>
      /** 32 B per pass up to the close: only the opened passes are run again. */
      readonly passRoots: Bytes
      /** 16 B per checkpoint up to the close of the locality chain. */
      readonly hopStates: Bytes
      readonly finals: PerAnyWork<Final>
      readonly pulses: SlotPulses
    }

interface Progress {
  readonly work: AnyWork
  readonly pulse: Pulse
  readonly roots: Bytes[]
  /** Of the locality chain, whose roots are hashes of them. */
  readonly states: Bytes[]
  readonly counts: number[]
  /** From before any tick. */
  readonly heads: Bytes[]
  nextTickMs: number
  final: Final | undefined
}

/**
 * One GPU's side of one slot: events in, effects out, no clock or network of its own. It starts each kind of work at
 * its pulse, ticks through the window, closes at its end, and opens all of it when the open pulse is known.
 */
export class ProverSlot {
  readonly #net: SlotNetwork
  readonly #beacon: BeaconInfo
  readonly #gpu: Announcement
  readonly slot: number
  readonly #progress: { -readonly [W in AnyWork]?: Progress } = {}
  #fillPulse: Pulse | undefined
  #openPulse: Pulse | undefined
  #opened = false

  constructor(net: SlotNetwork, beacon: BeaconInfo, gpu: Announcement, slot: number) {
    this.#net = net
    this.#beacon = beacon
    this.#gpu = gpu
    this.slot = slot
  }

  handle(event: ProverEvent): ProverEffect[] {
    if (event.type === 'pulse') return [...this.#onPulse(event.pulse), ...this.#open()]
    if (event.type === 'time') {
      return [...allWorks.flatMap((work) => this.#onTime(work, event.nowMs)), ...this.#open()]
    }
    const progress = this.#progress[event.work]
    const counts = progress !== undefined && progress.final === undefined
    if (counts && progress.roots.length < maxCount(this.#net, event.work)) {
      const isState = event.work === 'locality'
      progress.roots.push(isState ? hashState(event.root) : event.root)
      if (isState) progress.states.push(event.root)
    }
    return []
  }

  #onPulse(pulse: Pulse): ProverEffect[] {
    if (pulse.round === fillRoundOf(this.#net, this.slot)) this.#fillPulse ??= pulse
    const offset = pulse.round - this.slot
    if (offset === this.#net.open) this.#openPulse ??= pulse
    const work = allWorks.find((one) => this.#net.starts[one] === offset)
    return work === undefined || !this.#isDue(work) ? [] : this.#begin(work, pulse)
  }

  #windowOf(work: AnyWork) {
    return windowOf(this.#net, this.#beacon, this.slot, work, this.#gpu.mode)
  }

  #tickMs(work: AnyWork): number {
    if (work === 'locality') return this.#net.tickMs
    return paceIn(this.#net, this.#gpu.mode ?? 'idle').tickMs[work]
  }

  /**
   * Work begins once, and not after what comes later: its window is over by then. Beside a tenant nothing is done that
   * nothing rests on.
   */
  #isDue(work: AnyWork): boolean {
    if (work === 'locality' && (this.#gpu.mode ?? 'idle') !== 'idle') return false
    return allWorks.slice(allWorks.indexOf(work)).every((one) => this.#progress[one] === undefined)
  }

  #begin(work: AnyWork, pulse: Pulse): ProverEffect[] {
    // The device does one thing at a time, and this pulse's time is the end of the window before: it closes now, though
    // the next look at the clock may be some milliseconds away.
    const before = Object.values(this.#progress).flatMap((progress) => this.#close(progress))
    const seed = workSeed(work, this.#gpu, pulse)
    const { fromMs } = this.#windowOf(work)
    const nextTickMs = fromMs + this.#tickMs(work)
    this.#progress[work] = {
      work,
      pulse,
      roots: [],
      states: [],
      counts: [],
      heads: [tickStart(seed)],
      nextTickMs,
      final: undefined,
    }
    return [...before, { type: 'start', work, seed }]
  }

  #onTime(work: AnyWork, nowMs: number): ProverEffect[] {
    const progress = this.#progress[work]
    if (progress === undefined || progress.final !== undefined) return []
    if (nowMs < progress.nextTickMs) return []
    while (progress.nextTickMs <= nowMs) progress.nextTickMs += this.#tickMs(work)
    const { untilMs } = this.#windowOf(work)
    if (nowMs < untilMs) return [{ type: 'tick', tick: this.#tick(progress) }]
    return this.#close(progress)
  }

  /** Ticks at or after the end would not be counted: the Final repeats the last one that could be. */
  #close(progress: Progress): ProverEffect[] {
    if (progress.final !== undefined) return []
    progress.final = {
      ...this.#message(progress),
      ticks: ticksOf(progress.heads, progress.counts),
    }
    return [
      { type: 'stop', work: progress.work },
      { type: 'final', final: progress.final },
    ]
  }

  #tick(progress: Progress): Tick {
    const { roots, counts, heads } = progress
    const fresh = concat(roots.slice(counts.at(-1) ?? 0))
    counts.push(roots.length)
    heads.push(tickNext(heads.at(-1)!, counts.length, roots.length, fresh))
    return this.#message(progress)
  }

  #message({ work, counts, heads }: Progress): Tick {
    const { slot } = this
    const head = heads.at(-1)!
    return { slot, gpu: this.#gpu.gpuId, work, k: counts.length, count: counts.at(-1) ?? 0, head }
  }

  /**
   * Once every pulse and all closes are known, in whatever order they came; no work of a kind that must be done opens
   * nothing, a locality chain is opened if there is one.
   */
  #open(): ProverEffect[] {
    const { residency, gemm, locality } = this.#progress
    const [fill, open] = [this.#fillPulse, this.#openPulse]
    if (this.#opened || fill === undefined || open === undefined) return []
    if (residency?.final === undefined || gemm?.final === undefined) return []
    if (locality !== undefined && locality.final === undefined) return []
    this.#opened = true
    const walked = hasWork(locality) ? locality : undefined
    const finals = {
      residency: residency.final,
      gemm: gemm.final,
      ...(walked === undefined ? {} : { locality: walked.final }),
    }
    if (finals.residency.count === 0 || finals.gemm.count === 0) return []
    const pulses = {
      fill,
      start: residency.pulse,
      gemm: gemm.pulse,
      open,
      ...(walked === undefined ? {} : { hops: walked.pulse }),
    }
    return [
      {
        type: 'open',
        statements: slotStatements(this.#gpu, pulses, finals),
        counts: {
          residency: residency.counts,
          gemm: gemm.counts,
          ...(walked === undefined ? {} : { locality: walked.counts }),
        },
        passRoots: concat(residency.roots.slice(0, finals.residency.count)),
        hopStates: concat(walked?.states.slice(0, walked.final.count) ?? []),
        finals,
        pulses,
      },
    ]
  }
}

/** Whether it closed with anything done. */
const hasWork = (progress: Progress | undefined): progress is Progress & { final: Final } =>
  progress?.final !== undefined && progress.final.count > 0
