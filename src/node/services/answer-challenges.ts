import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { GemmOpenings } from '../../gpu/gemm-proof.ts'
import type { Prover } from '../../gpu/prover.ts'
import { type ProverEffect, ProverSlot } from '../../gpu/prover-slot.ts'
import type { Announcement } from '../../gpu/slot.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import { encodeTranscript } from '../../gpu/transcript.ts'
import {
  type ChallengeItem,
  challenge,
  sealFinal,
  sealOpenings,
  sealTick,
} from '../../protocols/challenge.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import type { Signed } from '../../protocols/signed.ts'
import { announcedGpus, type CapabilityRecord } from '../announced-gpus.ts'
import { createBroadcast } from '../broadcast.ts'
import type { Core } from '../core.ts'
import { followSlots } from '../follow-slots.ts'
import type { HeardPulse, PulseBook } from '../pulse-book.ts'
import type { Service } from '../service.ts'
import type { TranscriptStore } from '../transcript-store.ts'
import { isPermitted, type ValidatorView } from '../validator-view.ts'

interface Parts {
  readonly core: Core
  readonly rpc: Rpc
  readonly pulses: PulseBook
  readonly validators: ValidatorView
  readonly transcripts: TranscriptStore
  /** This node's own capability record: what it announced is what it proves. */
  readonly capabilities: { own(): CapabilityRecord | undefined }
  /** What proves a device; undefined for one this machine has no backend for. */
  readonly proverOf: (gpu: string) => Prover | undefined
}

/** Makes a miner lie, for tests of what happens to one that does; no configuration reaches it. */
export interface Misbehaviour {
  readonly openings?: (openings: GemmOpenings) => GemmOpenings
  /** False keeps a message of this kind from being sent. */
  readonly sends?: (kind: 'tick' | 'final' | 'openings', k: number) => boolean
  readonly seed?: (seed: Uint8Array) => Uint8Array
}

type OpenEffect = Extract<ProverEffect, { type: 'open' }>

/** How often running slots look at the clock. */
const TURN_MS = 20
const ALIVE_MS = 15_000

/** Proves this machine's devices in every slot, and lets permitted validators follow. */
export const answerChallenges = (parts: Parts, misbehaviour: Misbehaviour = {}): Service => {
  const { core, rpc, pulses, validators, transcripts, capabilities, proverOf } = parts
  const { net, key, log, nowMs, events, peerId } = core
  const slots = slotNetworks[net.network]
  const broadcast = createBroadcast<ChallengeItem>({ aliveMs: ALIVE_MS, alive: { kind: 'alive' } })
  /** What a validator that connects in the middle of a slot still needs. */
  const recent = new Map<string, { slot: number; item: ChallengeItem }>()
  const running = new Set<Running>()
  let timer: NodeJS.Timeout | undefined

  function send(kind: 'tick' | 'final' | 'openings', slot: number, record: Signed<unknown>): void {
    const k = (record.payload as { k?: number }).k ?? 0
    if (misbehaviour.sends?.(kind, k) === false) return
    const item = { kind: 'record', record: record.bytes }
    const gpu = (record.payload as { gpu: string }).gpu
    if (kind !== 'tick') recent.set(`${slot}/${gpu}/${kind}`, { slot, item })
    broadcast.send(item)
  }

  /** One device in one slot. */
  class Running {
    readonly #machine: ProverSlot
    readonly #gpu: Announcement
    readonly #prover: Prover
    readonly slot: number

    constructor(slot: number, gpu: Announcement, prover: Prover) {
      this.slot = slot
      this.#gpu = gpu
      this.#prover = prover
      this.#machine = new ProverSlot(slots, pulses.beacon, gpu, slot)
    }

    handle(event: Parameters<ProverSlot['handle']>[0]): void {
      for (const effect of this.#machine.handle(event)) this.#act(effect)
    }

    #act(effect: ProverEffect): void {
      if (effect.type === 'start') this.#run(effect.seed, effect.n)
      else if (effect.type === 'stop') this.#prover.stop()
      else if (effect.type === 'tick')
        send('tick', this.slot, sealTick(net, key, { ...effect.tick }))
      else if (effect.type === 'final')
        send('final', this.slot, sealFinal(net, key, { ...effect.final }))
      else this.#open(effect).catch((error) => this.#failed(error))
    }

    #run(honestSeed: Uint8Array, n: number): void {
      const { gpuId } = this.#gpu
      events.emit('slot-started', { slot: this.slot, gpu: gpuId, backend: this.#prover.backend, n })
      const seed = misbehaviour.seed?.(honestSeed) ?? honestSeed
      this.#prover
        .run({ seed, n }, (root) => this.handle({ type: 'root', root }))
        .catch((error) => this.#failed(error))
    }

    #failed(error: unknown): void {
      const { slot } = this
      const gpu = this.#gpu.gpuId
      log.error('challenge-failed', error, { slot, gpu })
      events.emit('challenge-failed', {
        slot,
        gpu,
        code: codeOf(error),
        reason: messageOf(error),
      })
    }

    async #open({ statement, counts, final, pulses: signed }: OpenEffect): Promise<void> {
      const { slot } = this
      const gpu = this.#gpu
      const startedMs = nowMs()
      const seed = misbehaviour.seed?.(statement.seed) ?? statement.seed
      const timeoutMs = (slots.end - slots.open) * pulses.beacon.periodMs
      const job = { statement: { ...statement, seed }, counts, limits: slots.gemm }
      const honest = await this.#prover.open(job, timeoutMs)
      const openings = misbehaviour.openings?.(honest) ?? honest
      const proveMs = nowMs() - startedMs
      const { name, publicKey, periodMs, genesisMs } = pulses.beacon
      const content = encodeTranscript({
        version: 1,
        network: net.network,
        genesis: net.genesis,
        netuid: net.netuid,
        hotkey: gpu.hotkey,
        peerId,
        gpu: gpu.gpuId,
        n: gpu.n,
        slot,
        work: 'gemm',
        beacon: { name, publicKey, periodMs, genesisMs },
        startPulse: { round: signed.gemm.round, signature: signed.gemm.signature },
        openPulse: { round: signed.open.round, signature: signed.open.signature },
        final: sealFinal(net, key, { ...final }).bytes,
        ...openings,
        counts: [...openings.counts],
      })
      const id = await transcripts.put(content)
      const bytes = content.length
      const offer = { slot, gpu: gpu.gpuId, content: id, bytes, proveMs }
      send('openings', slot, sealOpenings(net, key, offer))
      const { backend } = this.#prover
      const steps = final.count
      events.emit('challenge-proved', { slot, gpu: gpu.gpuId, backend, proveMs, bytes, steps })
    }
  }

  function begin(slot: number): void {
    for (const [place, item] of recent) if (item.slot < slot) recent.delete(place)
    const record = capabilities.own()
    if (record === undefined) return
    for (const gpu of announcedGpus(net, slots, record)) {
      const prover = proverOf(gpu.gpuId)
      if (prover !== undefined) running.add(new Running(slot, gpu, prover))
    }
    timer ??= setInterval(turn, TURN_MS)
  }

  function turn(): void {
    const round = (nowMs() - pulses.beacon.genesisMs) / pulses.beacon.periodMs + 1
    for (const one of running) {
      one.handle({ type: 'time', nowMs: nowMs() })
      if (round > one.slot + slots.end) running.delete(one)
    }
    if (running.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  async function* follow(caller: string, signal: AbortSignal): AsyncIterable<ChallengeItem> {
    if (!isPermitted(validators, caller)) {
      throw new NodeError('REFUSED_NOT_PERMITTED', 'only permitted validators may challenge', {
        next: 'register the hotkey, stake, and bind this PeerId to it',
      })
    }
    yield { kind: 'ready' }
    yield* broadcast.follow(
      signal,
      [...recent.values()].map(({ item }) => item),
    )
  }

  return {
    name: 'answer-challenges',
    async start(signal) {
      const record = capabilities.own()
      const gpus = record === undefined ? [] : announcedGpus(net, slots, record)
      for (const { gpuId, n } of gpus) {
        proverOf(gpuId)
          ?.prepare(n)
          .catch((error: unknown) => log.error('prover-not-prepared', error, { gpu: gpuId }))
      }
      await rpc.serveStream(challenge, (_, caller) => follow(caller.peerId, caller.signal), signal)
      const onPulse = ({ pulse }: HeardPulse): void => {
        for (const one of running) one.handle({ type: 'pulse', pulse })
      }
      followSlots({ pulses, slots, nowMs }, { onSlot: begin, onPulse }, signal)
    },
    async stop() {
      clearInterval(timer)
      running.clear()
    },
  }
}
