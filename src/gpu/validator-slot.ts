import { type BeaconInfo, type Pulse, timeOf } from '../beacon.ts'
import { HeardGpu } from './heard-gpu.ts'
import { type Announcement, gpuKey, type Line, type SlotPulses, slotStatements } from './slot.ts'
import type { SlotNetwork } from './slot-network.ts'
import { fillRoundOf } from './slot-schedule.ts'
import type {
  Abstention,
  Checkable,
  SlotVerdict,
  SparedGpu,
  ValidatorEffect,
  ValidatorEvent,
} from './slot-testimony.ts'

export interface ValidatorSlotOptions {
  readonly net: SlotNetwork
  readonly beacon: BeaconInfo
  /** GPUs announced before the slot's pulse. */
  readonly gpus: readonly Announcement[]
  readonly slot: number
  /**
   * Keys (gpuKey) of GPUs found VALID in the previous slot: of ABSTAIN_FROM or more, hearing fewer than half now means
   * that this validator is cut off. A tick alone says nothing: whoever sends a thousand of them and then none, without
   * a GPU, would silence every validator.
   */
  readonly validBefore?: ReadonlySet<string>
  /** Whether this validator checks a GPU's openings, once the open pulse says who was drawn; it checks all without it. */
  readonly checks?: (gpu: Announcement, openPulse: Pulse) => boolean
}

/**
 * A validator's side of one slot: events in, effects out, no clock, network or key of its own. It counts ticks by their
 * arrival, asks for openings, and testifies about what it saw; a validator that lagged or whose clock is off abstains.
 */
export class ValidatorSlot {
  readonly slot: number
  readonly #net: SlotNetwork
  readonly #beacon: BeaconInfo
  readonly #heard: ReadonlyMap<string, HeardGpu>
  readonly #before: ReadonlySet<string>
  readonly #checks: NonNullable<ValidatorSlotOptions['checks']>
  readonly #pulses: { -readonly [P in keyof SlotPulses]?: Pulse } = {}
  #abstained: Abstention | undefined
  #lines: readonly Line[] | undefined
  #reported = false
  #judged = false
  #done = false

  constructor({ net, beacon, gpus, slot, validBefore, checks }: ValidatorSlotOptions) {
    this.slot = slot
    this.#net = net
    this.#beacon = beacon
    this.#before = validBefore ?? new Set()
    this.#checks = checks ?? (() => true)
    const place = { net, beacon, slot }
    this.#heard = new Map(
      gpus.map((gpu) => [gpuKey(gpu.peerId, gpu.gpuId), new HeardGpu(place, gpu)] as const),
    )
  }

  /** Keys of the GPUs whose ticks were counted. */
  get heard(): Set<string> {
    return new Set([...this.#heard].filter(([, { isCounted }]) => isCounted).map(([key]) => key))
  }

  /** Keys of the GPUs whose openings were found VALID. */
  get valid(): Set<string> {
    return new Set(
      [...this.#heard]
        .filter(([, { verdict }]) => verdict?.verdict === 'VALID')
        .map(([key]) => key),
    )
  }

  handle(event: ValidatorEvent): ValidatorEffect[] {
    switch (event.type) {
      case 'tick':
        this.#of(event.miner, event.tick.gpu)?.take(event.tick, event.atMs)
        return []
      case 'final':
        this.#of(event.miner, event.tick.gpu)?.close(event.tick, event.atMs)
        return []
      case 'pulse':
        return this.#onPulse(event.pulse, event.atMs)
      case 'openings':
        return this.#onOpenings(event)
      case 'checked': {
        const heard = this.#of(event.miner, event.gpu)
        if (heard?.verdict === undefined) heard?.judgeOpenings(event.result)
        return this.#verdicts()
      }
      case 'unchecked': {
        const heard = this.#of(event.miner, event.gpu)
        if (heard !== undefined) heard.excused = true
        return this.#verdicts()
      }
      case 'abstain':
        return this.#abstain(event.why)
      case 'time':
        return this.#onTime(event.nowMs)
    }
  }

  #of(miner: string, gpu: string): HeardGpu | undefined {
    return this.#heard.get(gpuKey(miner, gpu))
  }

  #onPulse(pulse: Pulse, atMs: number): ValidatorEffect[] {
    const { starts, open, maxSkewMs } = this.#net
    const offset = pulse.round - this.slot
    const early = atMs < timeOf(this.#beacon, pulse.round) - maxSkewMs
    const effects = early ? this.#abstain('CLOCK_SKEW') : []
    if (pulse.round === fillRoundOf(this.#net, this.slot)) this.#pulses.fill ??= pulse
    if (offset === starts.residency) this.#pulses.start ??= pulse
    if (offset === starts.gemm) this.#pulses.gemm ??= pulse
    if (offset === starts.locality) this.#pulses.hops ??= pulse
    if (offset === open && this.#pulses.open === undefined) {
      this.#pulses.open = pulse
      for (const heard of this.#heard.values()) {
        if (!heard.isOpen || this.#checks(heard.gpu, pulse)) continue
        heard.isSpared = true
        heard.excused = true
      }
    }
    return [...effects, ...this.#pulls(), ...this.#verdicts()]
  }

  #onOpenings(event: Extract<ValidatorEvent, { type: 'openings' }>): ValidatorEffect[] {
    const heard = this.#of(event.miner, event.gpu)
    if (heard === undefined || !(heard.isOpen || heard.isSpared)) return []
    heard.offered ??= { content: event.content, proveMs: event.proveMs }
    return this.#pulls()
  }

  /** Openings become checkable once both Finals, all pulses and the content id are known, in whatever order they came. */
  #pulls(): ValidatorEffect[] {
    return [...this.#heard.values()].flatMap((heard): ValidatorEffect[] => {
      const { offered } = heard
      const checkable = heard.pulled || !heard.isOpen ? undefined : this.#checkable(heard)
      if (checkable === undefined || offered === undefined) return []
      heard.pulled = true
      return [{ type: 'pull', ...offered, ...checkable }]
    })
  }

  /** What openings of a GPU must be held against; undefined before all of it is known. */
  #checkable({ gpu, finals }: HeardGpu): Checkable | undefined {
    const { fill, start, gemm, hops, open } = this.#pulses
    if (fill === undefined || start === undefined || gemm === undefined || open === undefined) {
      return undefined
    }
    if (finals === undefined) return undefined
    const pulses = { fill, start, gemm, open, ...(hops === undefined ? {} : { hops }) }
    const statements = slotStatements(gpu, pulses, finals)
    return { miner: gpu.peerId, gpu: gpu.gpuId, statements, finals, pulses }
  }

  /** GPUs whose openings this validator was not drawn to look at, with what it would hold them against. */
  get spared(): SparedGpu[] {
    if (this.#abstained !== undefined) return []
    return [...this.#heard.values()].flatMap((heard): SparedGpu[] => {
      const checkable = heard.isSpared ? this.#checkable(heard) : undefined
      if (checkable === undefined) return []
      const { gpu: announced, offered } = heard
      return [{ ...checkable, announced, ...(offered === undefined ? {} : { offered }) }]
    })
  }

  /** One batch, once every GPU is judged and nothing that still may arrive could change it. */
  #verdicts(): ValidatorEffect[] {
    const all = [...this.#heard.values()]
    if (this.#judged || all.length === 0 || all.some(({ isOpen }) => isOpen)) return []
    this.#judged = true
    const testifies = this.#abstained === undefined
    // One that abstains still vouches for arithmetic it checked, and accuses nobody of being late.
    const rows = all
      .flatMap((heard) => heard.verdict ?? [])
      .filter(({ verdict }) => testifies || !TIMING.has(verdict))
    if (rows.length === 0) return []
    const { open } = this.#pulses
    return [{ type: 'verdicts', rows, ...(open === undefined ? {} : { openPulse: open }) }]
  }

  #abstain(why: Abstention): ValidatorEffect[] {
    if (this.#abstained !== undefined || this.#lines !== undefined) return []
    this.#abstained = why
    return [{ type: 'abstained', why }]
  }

  #onTime(nowMs: number): ValidatorEffect[] {
    const reached = (offset: number): boolean => nowMs >= timeOf(this.#beacon, this.slot + offset)
    const effects: ValidatorEffect[] = []
    if (reached(this.#net.close)) effects.push(...this.#close(reached(this.#net.commit)))
    if (this.#lines !== undefined && !this.#reported && reached(this.#net.reveal)) {
      this.#reported = true
      effects.push({ type: 'report', lines: this.#lines })
    }
    if (reached(this.#net.end)) effects.push(...this.#end())
    return effects
  }

  #close(tooLate: boolean): ValidatorEffect[] {
    const effects: ValidatorEffect[] = []
    for (const heard of this.#heard.values()) if (heard.isOpen) heard.judgeClose()
    if (this.#lines === undefined && this.#abstained === undefined) {
      if (tooLate) effects.push(...this.#abstain('LAGGED'))
      else if (this.#missedPulse()) effects.push(...this.#abstain('MISSED_PULSE'))
      else if (this.#cutOff()) effects.push(...this.#abstain('LOW_COVERAGE'))
      else {
        this.#lines = [...this.#heard.values()].map((heard) => heard.line())
        if (this.#lines.length > 0) effects.push({ type: 'commit', lines: this.#lines })
      }
    }
    return [...effects, ...this.#verdicts()]
  }

  /** Whether a pulse that starts work never came: what else came late cannot be told. */
  #missedPulse(): boolean {
    const { start, gemm } = this.#pulses
    return start === undefined || gemm === undefined
  }

  #cutOff(): boolean {
    if (this.#before.size < ABSTAIN_FROM) return false
    const still = [...this.#before].filter((key) => {
      const heard = this.#heard.get(key)
      return heard?.isCounted === true || heard?.gpu.mode === 'exclusive'
    })
    return 2 * still.length < this.#before.size
  }

  #end(): ValidatorEffect[] {
    if (this.#done) return []
    this.#done = true
    // Without one of the pulses this validator asked for nothing: no fault of the miner's.
    const asked = this.#pulses.open !== undefined && this.#pulses.fill !== undefined
    for (const heard of this.#heard.values()) {
      if (!heard.isOpen) continue
      if (asked && !this.#missedPulse()) heard.judge({ verdict: 'UNAVAILABLE' })
      else heard.excused = true
    }
    return [...this.#verdicts(), { type: 'done' }]
  }
}

/** Of fewer GPUs than this, half may well be silent by themselves: two of them would answer in turn for nothing. */
const ABSTAIN_FROM = 4

/** Verdicts that rest on what arrived when, not on bytes anyone can check. */
const TIMING: ReadonlySet<SlotVerdict> = new Set([
  'SILENT',
  'LATE_COMMIT',
  'UNAVAILABLE',
  'NO_WORK',
])
