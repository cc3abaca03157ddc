import { codeOf, messageOf } from '../errors.ts'
import type { GemmOpenings } from '../gpu/gemm-proof.ts'
import type { Prover } from '../gpu/prover.ts'
import { type ProverEffect, type ProverEvent, ProverSlot } from '../gpu/prover-slot.ts'
import type { Announcement } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { encodeTranscript } from '../gpu/transcript.ts'
import { sealFinal, sealOpenings, sealTick } from '../protocols/challenge.ts'
import type { Signed } from '../protocols/signed.ts'
import type { Core } from './core.ts'
import type { PulseBook } from './pulse-book.ts'
import type { TranscriptStore } from './transcript-store.ts'

export type SentKind = 'tick' | 'final' | 'openings'

/** Makes a miner lie, for tests of what happens to one that does; no configuration reaches it. */
export interface Misbehaviour {
  readonly openings?: (openings: GemmOpenings) => GemmOpenings
  /** False keeps a message of this kind from being sent. */
  readonly sends?: (kind: SentKind, k: number) => boolean
  /** Replaces a signed record on its way. */
  readonly record?: (bytes: Uint8Array, kind: SentKind) => Uint8Array
  readonly seed?: (seed: Uint8Array) => Uint8Array
}

export interface MinerRunParts {
  readonly core: Core
  readonly pulses: PulseBook
  readonly slots: SlotNetwork
  readonly transcripts: TranscriptStore
  readonly send: (kind: SentKind, slot: number, record: Signed<unknown>) => void
  readonly misbehaviour: Misbehaviour
}

type OpenEffect = Extract<ProverEffect, { type: 'open' }>

/** One device in one slot of a miner: carries out what its state machine decides. */
export class MinerRun {
  readonly slot: number
  readonly #parts: MinerRunParts
  readonly #machine: ProverSlot
  readonly #gpu: Announcement
  readonly #prover: Prover

  constructor(parts: MinerRunParts, slot: number, gpu: Announcement, prover: Prover) {
    this.slot = slot
    this.#parts = parts
    this.#gpu = gpu
    this.#prover = prover
    this.#machine = new ProverSlot(parts.slots, parts.pulses.beacon, gpu, slot)
  }

  handle(event: ProverEvent): void {
    for (const effect of this.#machine.handle(event)) this.#act(effect)
  }

  #act(effect: ProverEffect): void {
    const { core, send } = this.#parts
    const { net, key } = core
    const { slot } = this
    if (effect.type === 'start') this.#work(effect.seed, effect.n)
    else if (effect.type === 'stop') this.#prover.stop()
    else if (effect.type === 'tick') send('tick', slot, sealTick(net, key, { ...effect.tick }))
    else if (effect.type === 'final') send('final', slot, sealFinal(net, key, { ...effect.final }))
    else this.#open(effect).catch((error: unknown) => this.#failed(error))
  }

  #work(honestSeed: Uint8Array, n: number): void {
    const { core, misbehaviour } = this.#parts
    const { backend } = this.#prover
    core.events.emit('slot-started', { slot: this.slot, gpu: this.#gpu.gpuId, backend, n })
    const seed = misbehaviour.seed?.(honestSeed) ?? honestSeed
    this.#prover
      .run({ work: 'gemm', seed }, (root) => this.handle({ type: 'root', root }))
      .catch((error: unknown) => this.#failed(error))
  }

  #failed(error: unknown): void {
    const { log, events } = this.#parts.core
    const about = { slot: this.slot, gpu: this.#gpu.gpuId }
    log.error('challenge-failed', error, about)
    events.emit('challenge-failed', { ...about, code: codeOf(error), reason: messageOf(error) })
  }

  async #open(effect: OpenEffect): Promise<void> {
    const { core, transcripts, send } = this.#parts
    const { net, key, nowMs, events } = core
    const { slot } = this
    const { gpuId: gpu } = this.#gpu
    const startedMs = nowMs()
    const openings = await this.#openings(effect)
    const proveMs = nowMs() - startedMs
    const content = this.#transcript(effect, openings)
    const id = await transcripts.put(content)
    const bytes = content.length
    const offer = { slot, gpu, content: id, bytes, proveMs }
    send('openings', slot, sealOpenings(net, key, offer))
    const { backend } = this.#prover
    const steps = effect.final.count
    events.emit('challenge-proved', { slot, gpu, backend, proveMs, bytes, steps })
  }

  async #openings({ statement, counts }: OpenEffect): Promise<GemmOpenings> {
    const { slots, pulses, misbehaviour } = this.#parts
    const seed = misbehaviour.seed?.(statement.seed) ?? statement.seed
    const timeoutMs = (slots.end - slots.open) * pulses.beacon.periodMs
    const job = { statement: { ...statement, seed }, counts, limits: slots.gemm }
    const honest = await this.#prover.openRows(job, timeoutMs)
    return misbehaviour.openings?.(honest) ?? honest
  }

  #transcript({ final, pulses: used }: OpenEffect, openings: GemmOpenings): Uint8Array {
    const { core, pulses } = this.#parts
    const { net, key, peerId } = core
    const { name, publicKey, periodMs, genesisMs } = pulses.beacon
    const { hotkey, gpuId, n } = this.#gpu
    return encodeTranscript({
      version: 1,
      network: net.network,
      genesis: net.genesis,
      netuid: net.netuid,
      hotkey,
      peerId,
      gpu: gpuId,
      n,
      slot: this.slot,
      work: 'gemm',
      beacon: { name, publicKey, periodMs, genesisMs },
      startPulse: { round: used.gemm.round, signature: used.gemm.signature },
      openPulse: { round: used.open.round, signature: used.open.signature },
      final: sealFinal(net, key, { ...final }).bytes,
      ...openings,
      counts: [...openings.counts],
    })
  }
}
