import type { BeaconInfo, Pulse } from '../beacon.ts'
import { type GemmStatement, MAX_STEPS } from './gemm-proof.ts'
import { type Bytes, concat } from './hash.ts'
import { type Announcement, gemmSeed, gemmStatement, type Tick } from './slot.ts'
import type { SlotNetwork } from './slot-network.ts'
import { windowOf } from './slot-schedule.ts'
import { tickNext, tickStart } from './tick-chain.ts'

export type ProverEvent =
  | { readonly type: 'pulse'; readonly pulse: Pulse }
  /** The backend finished a step. */
  | { readonly type: 'root'; readonly root: Bytes }
  | { readonly type: 'time'; readonly nowMs: number }

export type ProverEffect =
  | { readonly type: 'start'; readonly work: 'gemm'; readonly seed: Bytes; readonly n: number }
  | { readonly type: 'stop'; readonly work: 'gemm' }
  | { readonly type: 'tick'; readonly tick: Tick }
  /** The close: everything sent before must be a prefix of it. */
  | { readonly type: 'final'; readonly final: Tick }
  | {
      readonly type: 'open'
      readonly statement: GemmStatement
      readonly counts: readonly number[]
      readonly final: Tick
      readonly pulses: { readonly gemm: Pulse; readonly open: Pulse }
    }

interface Progress {
  readonly pulse: Pulse
  readonly roots: Bytes[]
  readonly counts: number[]
  head: Bytes
  nextTickMs: number
  final: Tick | undefined
}

/**
 * One GPU's side of one slot: events in, effects out, no clock or network of its own. It starts work at the phase's
 * pulse, ticks through the window, closes at its end, and opens what the open pulse asks.
 */
export class ProverSlot {
  readonly #net: SlotNetwork
  readonly #beacon: BeaconInfo
  readonly #gpu: Announcement
  readonly slot: number
  #gemm: Progress | undefined
  #opened = false

  constructor(net: SlotNetwork, beacon: BeaconInfo, gpu: Announcement, slot: number) {
    this.#net = net
    this.#beacon = beacon
    this.#gpu = gpu
    this.slot = slot
  }

  handle(event: ProverEvent): ProverEffect[] {
    if (event.type === 'pulse') return this.#onPulse(event.pulse)
    if (event.type === 'time') return this.#onTime(event.nowMs)
    const work = this.#gemm
    if (work !== undefined && work.final === undefined && work.roots.length < MAX_STEPS) {
      work.roots.push(event.root)
    }
    return []
  }

  #onPulse(pulse: Pulse): ProverEffect[] {
    const offset = pulse.round - this.slot
    if (offset === this.#net.starts.gemm && this.#gemm === undefined) return this.#begin(pulse)
    if (offset === this.#net.open && !this.#opened) return this.#open(pulse)
    return []
  }

  #begin(pulse: Pulse): ProverEffect[] {
    const seed = gemmSeed(this.#gpu, pulse)
    const { fromMs } = windowOf(this.#net, this.#beacon, this.slot, 'gemm')
    const nextTickMs = fromMs + this.#net.tickMs
    const head = tickStart(seed)
    this.#gemm = { pulse, roots: [], counts: [], head, nextTickMs, final: undefined }
    return [{ type: 'start', work: 'gemm', seed, n: this.#gpu.n }]
  }

  #onTime(nowMs: number): ProverEffect[] {
    const work = this.#gemm
    if (work === undefined || work.final !== undefined || nowMs < work.nextTickMs) return []
    while (work.nextTickMs <= nowMs) work.nextTickMs += this.#net.tickMs
    const { untilMs } = windowOf(this.#net, this.#beacon, this.slot, 'gemm')
    if (nowMs < untilMs) return [{ type: 'tick', tick: this.#tick(work) }]
    // Ticks at or after the end would not be counted: the Final repeats the last one that could be.
    work.final = this.#message(work)
    return [
      { type: 'stop', work: 'gemm' },
      { type: 'final', final: work.final },
    ]
  }

  #tick(work: Progress): Tick {
    const before = work.counts.at(-1) ?? 0
    work.counts.push(work.roots.length)
    const fresh = concat(work.roots.slice(before))
    work.head = tickNext(work.head, work.counts.length, work.roots.length, fresh)
    return this.#message(work)
  }

  #message(work: Progress): Tick {
    return {
      slot: this.slot,
      gpu: this.#gpu.gpuId,
      work: 'gemm',
      k: work.counts.length,
      count: work.counts.at(-1) ?? 0,
      head: work.head,
    }
  }

  #open(pulse: Pulse): ProverEffect[] {
    const work = this.#gemm
    if (work?.final === undefined || work.final.count === 0) return []
    this.#opened = true
    return [
      {
        type: 'open',
        statement: gemmStatement(this.#gpu, work.pulse, pulse, work.final),
        counts: work.counts,
        final: work.final,
        pulses: { gemm: work.pulse, open: pulse },
      },
    ]
  }
}
