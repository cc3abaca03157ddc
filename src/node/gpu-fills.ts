import { roundAt } from '../beacon.ts'
import { equalBytes } from '../bytes.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { ProofSizes } from '../gpu/backend.ts'
import { isOutOfMemory, type Prover } from '../gpu/prover.ts'
import { type Announcement, fillSeed } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import { epochOf } from '../gpu/slot-schedule.ts'
import { minutesMs, secondsMs } from '../units.ts'
import type { Core } from './core.ts'
import type { OwnFills } from './own-fills.ts'
import type { ProofRoom } from './proof-room.ts'
import type { PulseBook } from './pulse-book.ts'

/** A device as slots name it, with what proves it. */
export interface ProvingGpu {
  readonly gpu: Announcement
  readonly prover: Prover
}

/** What the devices of a miner hold between slots: sizes prepared for, and the running epoch's fill. */
export interface GpuFills {
  /** Prepares and fills every device that does not hold what it should; all of them at once, none twice. */
  look(): void
  /** A prover failed: what it holds is not known any more. */
  forget(gpu: string): void
  /** Whether a device still holds the fill of a seed: pages opened from another would look like a lie. */
  holds(gpu: string, seed: Uint8Array): boolean
}

export interface GpuFillsNeeds {
  readonly core: Pick<Core, 'log' | 'events' | 'nowMs'>
  readonly pulses: PulseBook
  readonly slots: SlotNetwork
  /** The devices to be filled at the moment; one that was here and is not any more is given back. */
  readonly gpus: () => readonly ProvingGpu[]
  /** Whether a slot of a device runs that may still end well: it is neither given back nor given other sizes before. */
  readonly isWorking?: (gpu: string) => boolean
  /** Told what the provers hold. */
  readonly room?: Pick<ProofRoom, 'took' | 'left'> | undefined
  /** Told which fills they hold: no device is announced before. */
  readonly ownFills?: Pick<OwnFills, 'filled' | 'emptied'> | undefined
  /** The sizes that a device announced do not fit in its memory. */
  readonly onTooLarge?: (gpu: string) => Promise<void>
}

interface Held {
  prover: Prover
  isBusy: boolean
  sizes: ProofSizes | undefined
  /** Seed of the fill; it names the epoch, the sizes and for whom the device works. */
  seed: Uint8Array | undefined
  retryAtMs: number
}

/** The largest card fills in seconds; one that takes longer than an epoch's start earns less, so much more is stuck. */
const FILL_TIMEOUT_MS = minutesMs(10)
/** After a failure a device is tried again no sooner. */
const RETRY_MS = secondsMs(10)

/** Keeps devices filled until `signal` aborts. */
export function createGpuFills(needs: GpuFillsNeeds, signal: AbortSignal): GpuFills {
  const { core, pulses, slots, gpus, isWorking = () => false, room, ownFills, onTooLarge } = needs
  const { log, events, nowMs } = core
  const holding = new Map<string, Held>()

  const heldBy = ({ gpu: { gpuId }, prover }: ProvingGpu): Held => {
    const fresh = { prover, isBusy: false, sizes: undefined, seed: undefined, retryAtMs: 0 }
    const held = holding.get(gpuId) ?? fresh
    holding.set(gpuId, held)
    return held
  }

  /** Brings one device to what it should hold; does nothing when it does. */
  async function hold({ gpu, prover }: ProvingGpu, held: Held): Promise<void> {
    const { n, bytes, gpuId } = gpu
    if (held.sizes?.n !== n || held.sizes.bytes !== bytes) {
      if (held.sizes !== undefined && isWorking(gpuId)) return // its openings need what it holds
      empty(gpuId, held)
      await prepare(gpuId, prover, { n, bytes })
      held.sizes = { n, bytes }
    }
    room?.took(gpuId, gpu.mode ?? 'idle')
    const round = epochOf(slots, roundAt(pulses.beacon, nowMs()))
    const pulse = pulses.get(round)
    if (pulse === undefined) return // it is being fetched, and comes back here when it arrives
    const seed = fillSeed(gpu, pulse)
    if (held.seed !== undefined && equalBytes(held.seed, seed)) return
    empty(gpuId, held)
    const startedMs = nowMs()
    await prover.fill({ seed, iterations: slots.residency.iterations }, FILL_TIMEOUT_MS)
    held.seed = seed
    const fillMs = nowMs() - startedMs
    if (holding.get(gpuId) === held) ownFills?.filled(gpu, round, fillMs)
    log.info('gpu-filled', { gpu: gpuId, bytes, fillMs, round })
    events.emit('gpu-filled', { gpu: gpuId, bytes, fillMs, round })
  }

  function empty(gpu: string, held: Held): void {
    held.seed = undefined
    ownFills?.emptied(gpu)
  }

  async function prepare(gpu: string, prover: Prover, sizes: ProofSizes): Promise<void> {
    try {
      await prover.prepare(sizes)
    } catch (error) {
      if (isOutOfMemory(error)) await onTooLarge?.(gpu)
      throw error // what is announced next is prepared at the next look
    }
  }

  async function holdInTurn(one: ProvingGpu): Promise<void> {
    const { gpuId: gpu } = one.gpu
    const held = heldBy(one)
    if (held.isBusy || nowMs() < held.retryAtMs) return
    held.isBusy = true
    try {
      await hold(one, held)
    } catch (error) {
      if (signal.aborted || holding.get(gpu) !== held) return // given back meanwhile
      forget(gpu)
      held.retryAtMs = nowMs() + RETRY_MS
      log.error('gpu-not-filled', error, { gpu })
      events.emit('gpu-not-filled', { gpu, code: codeOf(error), reason: messageOf(error) })
    } finally {
      held.isBusy = false
    }
  }

  function forget(gpu: string): void {
    const held = holding.get(gpu)
    if (held === undefined) return
    held.sizes = undefined
    empty(gpu, held)
    room?.left(gpu)
  }

  /** A device that may not work any more: its memory is its owner's, and a process of a lost one may hang. */
  async function giveBack(gpu: string, held: Held): Promise<void> {
    holding.delete(gpu)
    empty(gpu, held)
    try {
      await held.prover.release()
      room?.left(gpu)
      log.info('gpu-given-back', { gpu })
      events.emit('gpu-given-back', { gpu })
    } catch (error) {
      log.error('gpu-not-given-back', error, { gpu })
    }
  }

  return {
    look() {
      if (signal.aborted) return
      const now = gpus()
      const announced = new Set(now.map(({ gpu }) => gpu.gpuId))
      for (const [gpu, held] of holding) {
        if (!announced.has(gpu) && !isWorking(gpu)) void giveBack(gpu, held)
      }
      for (const one of now) void holdInTurn(one)
    },
    forget,
    holds(gpu, seed) {
      const held = holding.get(gpu)?.seed
      return held !== undefined && equalBytes(held, seed)
    },
  }
}
