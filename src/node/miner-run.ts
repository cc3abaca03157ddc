import { timeOf } from '../beacon.ts'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import type { Prover } from '../gpu/prover.ts'
import { type ProverEffect, type ProverEvent, ProverSlot } from '../gpu/prover-slot.ts'
import { type Announcement, fillSeed } from '../gpu/slot.ts'
import type { AnyWork, SlotNetwork } from '../gpu/slot-network.ts'
import { fillRoundOf } from '../gpu/slot-schedule.ts'
import { encodeTranscript } from '../gpu/transcript.ts'
import { sealFinal, sealOpenings, sealTick } from '../protocols/challenge.ts'
import type { Signed } from '../protocols/signed.ts'
import type { Core } from './core.ts'
import type { GpuFills } from './gpu-fills.ts'
import { type SlotOpenings, transcriptOf } from './make-transcript.ts'
import type { PulseBook } from './pulse-book.ts'
import type { TranscriptStore } from './transcript-store.ts'

export type SentKind = 'tick' | 'final' | 'openings'

/** Makes a miner lie, for tests of what happens to one that does; no configuration reaches it. */
export interface Misbehaviour {
  readonly openings?: (openings: SlotOpenings) => SlotOpenings
  /** False keeps a message of this kind from being sent; `work` is that of a tick or Final. */
  readonly sends?: (kind: SentKind, k: number, work: AnyWork | undefined) => boolean
  /** Replaces a signed record on its way. */
  readonly record?: (bytes: Uint8Array, kind: SentKind) => Uint8Array
  readonly seed?: (seed: Uint8Array, work: AnyWork) => Uint8Array
}

export interface MinerRunParts {
  readonly core: Core
  readonly pulses: PulseBook
  readonly slots: SlotNetwork
  readonly transcripts: TranscriptStore
  readonly send: (kind: SentKind, slot: number, record: Signed<unknown>) => void
  readonly fills: Pick<GpuFills, 'forget' | 'holds'>
  readonly misbehaviour: Misbehaviour
}

/** The open pulse may come this late, in rounds. */
const LATE_ROUNDS = 2

type OpenEffect = Extract<ProverEffect, { type: 'open' }>

/** One device in one slot of a miner: carries out what its state machine decides. */
export class MinerRun {
  readonly slot: number
  readonly #parts: MinerRunParts
  readonly #machine: ProverSlot
  readonly #gpu: Announcement
  readonly #prover: Prover
  #isOver = false
  #opens = false
  #isAbandoned = false
  /** Passes wait for the fill that they must go over: over another one they would look like a lie. */
  #waiting: (() => void) | undefined

  constructor(parts: MinerRunParts, slot: number, gpu: Announcement, prover: Prover) {
    this.slot = slot
    this.#parts = parts
    this.#gpu = gpu
    this.#prover = prover
    this.#machine = new ProverSlot(parts.slots, parts.pulses.beacon, gpu, slot)
  }

  /** Its id on this machine. */
  get gpu(): string {
    return this.#gpu.gpuId
  }

  /** Whether nothing more will come of it: it opened, or failed. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Ends it at once, without another word: what it showed so far earns nothing, and contradicts nothing. */
  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#isAbandoned = true
    this.#stop()
    const { log, events } = this.#parts.core
    const about = { slot: this.slot, gpu: this.gpu }
    log.warn('slot-abandoned', about)
    events.emit('slot-abandoned', about)
  }

  handle(event: ProverEvent): void {
    if (this.#isAbandoned) return
    for (const effect of this.#machine.handle(event)) this.#act(effect)
    this.#startWaiting()
    if (event.type === 'time' && !this.#opens && event.nowMs >= this.#opensUntilMs)
      this.#isOver = true
  }

  /** A slot that has nothing to open by now, a late pulse allowed for, keeps its device from the next one no longer. */
  get #opensUntilMs(): number {
    const { pulses, slots } = this.#parts
    return timeOf(pulses.beacon, this.slot + slots.open + LATE_ROUNDS)
  }

  #startWaiting(): void {
    const start = this.#waiting
    if (start === undefined || !this.#isFilled()) return
    this.#waiting = undefined
    start()
  }

  #isFilled(): boolean {
    const { pulses, slots, fills } = this.#parts
    const round = fillRoundOf(slots, this.slot)
    const pulse = round === null ? undefined : pulses.get(round)
    return pulse !== undefined && fills.holds(this.gpu, fillSeed(this.#gpu, pulse))
  }

  #act(effect: ProverEffect): void {
    const { core, send } = this.#parts
    const { net, key } = core
    const { slot } = this
    if (effect.type === 'start') this.#begin(effect.work, effect.seed)
    else if (effect.type === 'stop') this.#stop()
    else if (effect.type === 'tick') send('tick', slot, sealTick(net, key, { ...effect.tick }))
    else if (effect.type === 'final') send('final', slot, sealFinal(net, key, { ...effect.final }))
    else {
      this.#opens = true
      this.#open(effect).catch((error: unknown) => this.#failed(error))
    }
  }

  #stop(): void {
    this.#waiting = undefined
    this.#prover.stop()
  }

  #begin(work: AnyWork, honestSeed: Uint8Array): void {
    const { core, slots } = this.#parts
    if (work === slots.phases[0]) {
      const { gpuId: gpu, n, bytes, mode = 'idle' } = this.#gpu
      const { backend } = this.#prover
      core.events.emit('slot-started', { slot: this.slot, gpu, backend, mode, n, bytes })
    }
    const start = (): void => this.#work(work, honestSeed)
    if (work === 'residency') this.#waiting = start
    else start()
  }

  #work(work: AnyWork, honestSeed: Uint8Array): void {
    const { slots, misbehaviour } = this.#parts
    const seed = misbehaviour.seed?.(honestSeed, work) ?? honestSeed
    const leased = this.#gpu.mode === 'leased' && work !== 'locality'
    const beside = leased ? { duty: slots.leased.duty[work] } : {}
    const kind = work === 'locality' ? { work, hops: slots.locality.hops } : { work }
    this.#prover
      .run({ ...kind, ...beside, seed }, (root) => this.handle({ type: 'root', work, root }))
      .catch((error: unknown) =>
        work === 'locality' ? this.#localityFailed(error) : this.#failed(error),
      )
  }

  /** Nothing rests on the locality chain: the slot goes on without it. */
  #localityFailed(error: unknown): void {
    if (this.#isAbandoned) return
    const about = { slot: this.slot, gpu: this.#gpu.gpuId }
    this.#parts.core.log.error('locality-failed', error, about)
  }

  #failed(error: unknown): void {
    if (this.#isAbandoned) return // its process was ended with it
    this.#isOver = true
    const { core, fills } = this.#parts
    const { log, events } = core
    const about = { slot: this.slot, gpu: this.#gpu.gpuId }
    log.error('challenge-failed', error, about)
    events.emit('challenge-failed', { ...about, code: codeOf(error), reason: messageOf(error) })
    fills.forget(about.gpu)
  }

  async #open(effect: OpenEffect): Promise<void> {
    const { core, transcripts, send, misbehaviour } = this.#parts
    const { net, key, nowMs, events } = core
    const { slot } = this
    const { gpuId: gpu } = this.#gpu
    const startedMs = nowMs()
    const honest = await this.#openings(effect)
    if (this.#isAbandoned) return
    const proveMs = nowMs() - startedMs
    const openings = misbehaviour.openings?.(honest) ?? honest
    const { beacon } = this.#parts.pulses
    const content = encodeTranscript(
      transcriptOf(core, beacon, this.#gpu, { ...effect, slot, openings }),
    )
    const id = await transcripts.put(content)
    const { length: bytes } = content
    send('openings', slot, sealOpenings(net, key, { slot, gpu, content: id, bytes, proveMs }))
    const { backend } = this.#prover
    const { residency, gemm, locality } = effect.finals
    const checkpoints = locality?.count ?? 0
    const counts = { passes: residency.count, steps: gemm.count, checkpoints }
    this.#isOver = true
    events.emit('challenge-proved', { slot, gpu, backend, proveMs, bytes, ...counts })
  }

  /** Pages first: they are made in a moment, and the fill they need is gone when the next epoch begins. */
  async #openings(effect: OpenEffect): Promise<SlotOpenings> {
    const { slots, pulses, fills, misbehaviour } = this.#parts
    const { seed: lie } = misbehaviour
    const { statements, counts, passRoots } = effect
    const { residency: passes, gemm: chain } = statements
    const timeoutMs = (slots.end - slots.open) * pulses.beacon.periodMs
    if (!fills.holds(this.#gpu.gpuId, passes.fillSeed)) {
      throw new NodeError('GPU_FILL_GONE', 'the fill that the passes went over is gone')
    }
    const passSeed = lie?.(passes.passSeed, 'residency') ?? passes.passSeed
    const residency = await this.#prover.openPages(
      {
        statement: { ...passes, passSeed },
        counts: counts.residency,
        roots: passRoots,
        limits: slots.residency,
      },
      timeoutMs,
    )
    const seed = lie?.(chain.seed, 'gemm') ?? chain.seed
    const gemm = await this.#prover.openRows(
      { statement: { ...chain, seed }, counts: counts.gemm, limits: slots.gemm },
      timeoutMs,
    )
    return { residency, gemm, ...(await this.#hopOpenings(effect, timeoutMs)) }
  }

  async #hopOpenings(
    { statements, counts, hopStates }: OpenEffect,
    timeoutMs: number,
  ): Promise<Pick<SlotOpenings, 'locality'>> {
    if (statements.locality === undefined || counts.locality === undefined) return {}
    const job = {
      statement: statements.locality,
      counts: counts.locality,
      states: hopStates,
      limits: this.#parts.slots.locality,
    }
    try {
      return { locality: await this.#prover.openHops(job, timeoutMs) }
    } catch (error) {
      this.#localityFailed(error)
      return {}
    }
  }
}
