import { roundAt, timeOf } from '../../beacon.ts'
import { every } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import type { Prover } from '../../gpu/prover.ts'
import type { Announcement } from '../../gpu/slot.ts'
import { type AnyWork, slotNetworks } from '../../gpu/slot-network.ts'
import { epochOf, nextOpenStart } from '../../gpu/slot-schedule.ts'
import { type ChallengeItem, challenge } from '../../protocols/challenge.ts'
import type { Rpc } from '../../protocols/rpc.ts'
import type { Signed } from '../../protocols/signed.ts'
import { secondsMs } from '../../units.ts'
import { announcedGpus, type CapabilityRecord } from '../announced-gpus.ts'
import { createBroadcast } from '../broadcast.ts'
import type { Core } from '../core.ts'
import { followSlots } from '../follow-slots.ts'
import { createGpuFills, type GpuFills, type ProvingGpu } from '../gpu-fills.ts'
import { MinerRun, type Misbehaviour, type SentKind } from '../miner-run.ts'
import type { OwnFills } from '../own-fills.ts'
import type { ProofRoom } from '../proof-room.ts'
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
  readonly capabilities: { own(): (CapabilityRecord & { bytes?: Uint8Array }) | undefined }
  /** What proves a device; undefined for one this machine has no backend for. */
  readonly proverOf: (gpu: string) => Prover | undefined
  /** Asked before each slot, and all through it: a device that is lost or paused proves nothing (any more). */
  readonly mayProve?: (gpu: string) => boolean
  /** What devices are to hold for slots from one on, announced or not yet; what is announced where absent. */
  readonly toFill?: ((slotMs: number) => readonly Announcement[]) | undefined
  /** Told what the provers hold. */
  readonly room?: ProofRoom | undefined
  /** Told which fills they hold. */
  readonly ownFills?: OwnFills | undefined
  /** The sizes that a device announced do not fit in its memory. */
  readonly onTooLarge?: (gpu: string) => Promise<void>
}

/** How often running slots look at the clock. */
const TURN_MS = 20
/** A quiet stream says so in this time, so that both ends know it stands. */
const ALIVE_MS = secondsMs(15)
/** How often devices are looked at for what they should hold: their record may change at any time. */
const LOOK_MS = secondsMs(1)
/** How often it is looked at whether that record changed: who follows must know before a slot of the change. */
const TELL_MS = 100

/** Keeps this machine's devices filled, proves them in every slot, and lets permitted validators follow. */
export const answerChallenges = (parts: Parts, misbehaviour: Misbehaviour = {}): Service => {
  const { core, rpc, pulses, validators, capabilities, proverOf, toFill } = parts
  const { mayProve = () => true } = parts
  const { net, log, nowMs } = core
  const slots = slotNetworks[net.network]
  const broadcast = createBroadcast<ChallengeItem>({ aliveMs: ALIVE_MS, alive: { kind: 'alive' } })
  /** What a validator that connects in the middle of a slot still needs. */
  const recent = new Map<string, { slot: number; item: ChallengeItem }>()
  const running = new Set<MinerRun>()
  let timer: NodeJS.Timeout | undefined

  function send(kind: SentKind, slot: number, record: Signed<unknown>): void {
    const { gpu, k = 0, work } = record.payload as { gpu: string; k?: number; work?: AnyWork }
    if (misbehaviour.sends?.(kind, k, work) === false) return
    const bytes = misbehaviour.record?.(record.bytes, kind) ?? record.bytes
    const item = { kind: 'record', record: bytes }
    if (kind !== 'tick') recent.set(`${slot}/${gpu}/${kind}/${work ?? ''}`, { slot, item })
    broadcast.send(item)
  }

  /** The devices announced for a slot whose pulse is scheduled at `slotMs`. */
  function announced(slotMs: number): readonly Announcement[] {
    const record = capabilities.own()
    return record === undefined ? [] : announcedGpus(net, slots, record, slotMs)
  }

  /** Those that prove, each with what proves it. */
  const proving = (gpus: readonly Announcement[]): ProvingGpu[] =>
    gpus.flatMap((gpu) => {
      const prover = gpu.mode === 'exclusive' ? undefined : proverOf(gpu.gpuId)
      return prover === undefined || !mayProve(gpu.gpuId) ? [] : [{ gpu, prover }]
    })

  const isWorking = (gpu: string): boolean =>
    [...running].some((run) => run.gpu === gpu && !run.isOver)

  /** All devices at once, each with a prover of its own. */
  function begin(slot: number, fills: GpuFills): void {
    for (const [place, item] of recent) if (item.slot < slot) recent.delete(place)
    for (const { gpu, prover } of proving(announced(timeOf(pulses.beacon, slot)))) {
      const run = { ...parts, slots, send, fills, misbehaviour }
      running.add(new MinerRun(run, slot, gpu, prover))
    }
    timer ??= setInterval(() => turn(fills), TURN_MS)
  }

  function turn(fills: GpuFills): void {
    const now = nowMs()
    for (const run of running) {
      if (!run.isOver && !mayProve(run.gpu)) {
        run.abandon()
        fills.look() // its memory is given back at once
      }
      run.handle({ type: 'time', nowMs: now })
      if (roundAt(pulses.beacon, now) > run.slot + slots.end) running.delete(run)
    }
    if (running.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  /** What this node announced, as an item of the stream. */
  function announcement(): ChallengeItem[] {
    const capability = capabilities.own()?.bytes
    return capability === undefined ? [] : [{ kind: 'announced', capability }]
  }

  let told: Uint8Array | undefined
  /** Tells who follows of a changed record. */
  function tellChange(): void {
    const [item] = announcement()
    if (item === undefined || item.capability === told) return
    told = item.capability
    broadcast.send(item)
  }

  async function* follow(caller: string, signal: AbortSignal): AsyncIterable<ChallengeItem> {
    if (!isPermitted(validators, caller)) {
      throw new NodeError('REFUSED_NOT_PERMITTED', 'only permitted validators may challenge', {
        next: 'register the hotkey, stake, and bind this PeerId to it',
      })
    }
    yield { kind: 'ready' }
    const missed = [...recent.values()].map(({ item }) => item)
    yield* broadcast.follow(signal, [...announcement(), ...missed])
  }

  return {
    name: 'answer-challenges',
    async start(signal) {
      await rpc.serveStream(challenge, (_, caller) => follow(caller.peerId, caller.signal), signal)
      // What a device holds is for the next slot that may start: nobody can prepare for it after its pulse.
      const gpus = (): ProvingGpu[] => {
        const next = nextOpenStart(slots, roundAt(pulses.beacon, nowMs()), pulses.get)
        const slotMs = timeOf(pulses.beacon, next)
        return proving(toFill?.(slotMs) ?? announced(slotMs))
      }
      const fills = createGpuFills({ ...parts, slots, gpus, isWorking }, signal)
      void every(LOOK_MS, { signal, log, name: 'fill-gpus' }, () => fills.look())
      void every(TELL_MS, { signal, log, name: 'tell-capability' }, tellChange)
      const onPulse = ({ pulse }: HeardPulse): void => {
        for (const run of running) run.handle({ type: 'pulse', pulse })
        if (pulse.round === epochOf(slots, pulse.round)) fills.look()
      }
      const onSlot = (slot: number): void => begin(slot, fills)
      followSlots({ pulses, slots, nowMs }, { onSlot, onPulse }, signal)
    },
    async stop() {
      clearInterval(timer)
      running.clear()
    },
  }
}
