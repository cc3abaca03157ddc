import { type BeaconInfo, type Pulse, timeOf } from '../beacon.ts'
import { MAX_STEPS } from './gemm-proof.ts'
import { type Bytes, equalBytes } from './hash.ts'
import { type Announcement, gemmStatement, gpuKey, type Line, type Tick } from './slot.ts'
import type { SlotNetwork } from './slot-network.ts'
import { windowOf } from './slot-schedule.ts'
import type {
  Abstention,
  Checked,
  SlotVerdict,
  ValidatorEffect,
  ValidatorEvent,
  VerdictRow,
} from './slot-testimony.ts'

interface Heard {
  readonly gpu: Announcement
  last?: Tick
  counted?: Tick
  final?: Tick
  equivocated?: boolean
  offered?: { readonly content: Bytes; readonly proveMs: number }
  pulled?: boolean
  excused?: boolean
  verdict?: VerdictRow
}

export interface ValidatorSlotOptions {
  readonly net: SlotNetwork
  readonly beacon: BeaconInfo
  /** GPUs announced before the slot's pulse. */
  readonly gpus: readonly Announcement[]
  readonly slot: number
  /** Keys (gpuKey) of GPUs heard in the previous slot: hearing fewer than half of them now means this validator is cut off. */
  readonly heardBefore?: ReadonlySet<string>
}

/**
 * A validator's side of one slot: events in, effects out, no clock, network or key of its own. It counts ticks by their
 * arrival, asks for openings, and testifies about what it saw; a validator that lagged or whose clock is off abstains.
 */
export class ValidatorSlot {
  readonly slot: number
  readonly #net: SlotNetwork
  readonly #beacon: BeaconInfo
  readonly #heard: ReadonlyMap<string, Heard>
  readonly #before: ReadonlySet<string>
  #gemmPulse: Pulse | undefined
  #openPulse: Pulse | undefined
  #abstained: Abstention | undefined
  #lines: readonly Line[] | undefined
  #reported = false
  #judged = false
  #done = false

  constructor(options: ValidatorSlotOptions) {
    this.slot = options.slot
    this.#net = options.net
    this.#beacon = options.beacon
    this.#before = options.heardBefore ?? new Set()
    this.#heard = new Map(
      options.gpus.map((gpu) => [gpuKey(gpu.peerId, gpu.gpuId), { gpu }] as const),
    )
  }

  /** Keys of the GPUs whose ticks were counted. */
  get heard(): Set<string> {
    return new Set([...this.#heard].filter(([, h]) => h.counted !== undefined).map(([key]) => key))
  }

  handle(event: ValidatorEvent): ValidatorEffect[] {
    switch (event.type) {
      case 'tick':
      case 'final':
        this.#onTick(event.type, event.miner, event.tick, event.atMs)
        return []
      case 'pulse':
        return this.#onPulse(event.pulse, event.atMs)
      case 'openings':
        return this.#onOpenings(event)
      case 'checked':
        return this.#onChecked(event.miner, event.gpu, event.result)
      case 'unchecked':
        return this.#onUnchecked(event.miner, event.gpu)
      case 'abstain':
        return this.#abstain(event.why)
      case 'time':
        return this.#onTime(event.nowMs)
    }
  }

  #onTick(type: 'tick' | 'final', miner: string, tick: Tick, atMs: number): void {
    const heard = this.#heard.get(gpuKey(miner, tick.gpu))
    if (heard === undefined || heard.equivocated || !this.#sane(tick)) return
    if (contradicts(heard, type, tick)) {
      heard.equivocated = true
      return
    }
    const { fromMs, untilMs } = windowOf(this.#net, this.#beacon, this.slot, 'gemm')
    if (type === 'final') {
      const closesMs = timeOf(this.#beacon, this.slot + this.#net.close)
      const inTime = atMs >= untilMs - this.#net.maxSkewMs && atMs < closesMs
      if (inTime && heard.final === undefined) heard.final = tick
      return
    }
    const { last } = heard
    if (last !== undefined && (tick.k <= last.k || tick.count < last.count)) return
    heard.last = tick
    if (atMs >= fromMs && atMs <= untilMs) heard.counted = tick
  }

  #sane(tick: Tick): boolean {
    const whole = (value: number, max: number): boolean =>
      Number.isInteger(value) && value >= 0 && value <= max
    return (
      tick.slot === this.slot &&
      tick.work === 'gemm' &&
      whole(tick.k, this.#net.gemm.maxTicks) &&
      whole(tick.count, MAX_STEPS) &&
      tick.head instanceof Uint8Array &&
      tick.head.length === 32
    )
  }

  #onPulse(pulse: Pulse, atMs: number): ValidatorEffect[] {
    const offset = pulse.round - this.slot
    const early = atMs < timeOf(this.#beacon, pulse.round) - this.#net.maxSkewMs
    const effects = early ? this.#abstain('CLOCK_SKEW') : []
    if (offset === this.#net.starts.gemm) this.#gemmPulse ??= pulse
    if (offset === this.#net.open) this.#openPulse ??= pulse
    return [...effects, ...this.#pulls()]
  }

  #onOpenings(event: Extract<ValidatorEvent, { type: 'openings' }>): ValidatorEffect[] {
    const heard = this.#heard.get(gpuKey(event.miner, event.gpu))
    if (heard === undefined || heard.verdict !== undefined) return []
    heard.offered ??= { content: event.content, proveMs: event.proveMs }
    return this.#pulls()
  }

  /** Openings become checkable once the Final, both pulses and the content id are known, in whatever order they came. */
  #pulls(): ValidatorEffect[] {
    const [gemm, open] = [this.#gemmPulse, this.#openPulse]
    if (gemm === undefined || open === undefined) return []
    return [...this.#heard.values()].flatMap((heard): ValidatorEffect[] => {
      const { gpu, final, offered } = heard
      if (heard.pulled || heard.equivocated || heard.verdict !== undefined) return []
      if (final === undefined || offered === undefined) return []
      heard.pulled = true
      const statement = gemmStatement(gpu, gemm, open, final)
      const pulses = { gemm, open }
      return [
        { type: 'pull', miner: gpu.peerId, gpu: gpu.gpuId, ...offered, statement, final, pulses },
      ]
    })
  }

  #onChecked(miner: string, gpu: string, result: Checked): ValidatorEffect[] {
    const heard = this.#heard.get(gpuKey(miner, gpu))
    if (heard === undefined || heard.verdict !== undefined) return []
    // A counted tick that is no prefix of what the Final closed: two tales were told.
    const counted = heard.counted
    const forked =
      result.ok &&
      counted !== undefined &&
      !equalBytes(result.heads[counted.k] ?? new Uint8Array(), counted.head)
    if (forked || heard.equivocated) this.#judge(heard, { verdict: 'EQUIVOCATION' })
    else if (result.ok) this.#judge(heard, { verdict: 'VALID', openings: result.content })
    else {
      const { why, at, content } = result
      this.#judge(heard, {
        verdict: why,
        ...(at === undefined ? {} : { at }),
        ...(content === undefined ? {} : { openings: content }),
      })
    }
    return this.#verdicts()
  }

  #onUnchecked(miner: string, gpu: string): ValidatorEffect[] {
    const heard = this.#heard.get(gpuKey(miner, gpu))
    if (heard !== undefined) heard.excused = true
    return this.#verdicts()
  }

  #judge(heard: Heard, found: Pick<VerdictRow, 'verdict' | 'at' | 'openings'>): void {
    const { peerId, hotkey, gpuId } = heard.gpu
    heard.verdict = { miner: peerId, hotkey, gpu: gpuId, ...found }
  }

  /** One batch, once every GPU is judged and nothing that still may arrive could change it. */
  #verdicts(): ValidatorEffect[] {
    const all = [...this.#heard.values()]
    const pending = all.some((h) => h.verdict === undefined && !h.excused)
    if (this.#judged || all.length === 0 || pending) return []
    this.#judged = true
    const testifies = this.#abstained === undefined
    // One that abstains still vouches for arithmetic it checked, and accuses nobody of being late.
    const rows = all
      .flatMap((h) => h.verdict ?? [])
      .filter(({ verdict }) => testifies || !TIMING.has(verdict))
    if (rows.length === 0) return []
    const openPulse = this.#openPulse
    return [{ type: 'verdicts', rows, ...(openPulse === undefined ? {} : { openPulse }) }]
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
    for (const heard of this.#heard.values()) {
      if (heard.verdict !== undefined || heard.excused) continue
      if (heard.equivocated) this.#judge(heard, { verdict: 'EQUIVOCATION' })
      else if (heard.final === undefined) {
        this.#judge(heard, { verdict: heard.last === undefined ? 'SILENT' : 'LATE_COMMIT' })
      } else if (heard.final.count === 0) this.#judge(heard, { verdict: 'NO_WORK' })
    }
    if (this.#lines === undefined && this.#abstained === undefined) {
      if (tooLate) effects.push(...this.#abstain('LAGGED'))
      else if (this.#gemmPulse === undefined) effects.push(...this.#abstain('MISSED_PULSE'))
      else if (this.#cutOff()) effects.push(...this.#abstain('LOW_COVERAGE'))
      else {
        this.#lines = [...this.#heard.values()].map(lineOf)
        if (this.#lines.length > 0) effects.push({ type: 'commit', lines: this.#lines })
      }
    }
    return [...effects, ...this.#verdicts()]
  }

  #cutOff(): boolean {
    const still = [...this.#before].filter((key) => this.#heard.get(key)?.counted !== undefined)
    return 2 * still.length < this.#before.size
  }

  #end(): ValidatorEffect[] {
    if (this.#done) return []
    this.#done = true
    for (const heard of this.#heard.values()) {
      if (heard.verdict !== undefined || heard.excused) continue
      // Without the open pulse this validator asked for nothing: no fault of the miner's.
      if (this.#openPulse === undefined) heard.excused = true
      else this.#judge(heard, { verdict: 'UNAVAILABLE' })
    }
    return [...this.#verdicts(), { type: 'done' }]
  }
}

/** Verdicts that rest on what arrived when, not on bytes anyone can check. */
const TIMING: ReadonlySet<SlotVerdict> = new Set([
  'SILENT',
  'LATE_COMMIT',
  'UNAVAILABLE',
  'NO_WORK',
])

/** Whether a message says something else than one heard before under the same number, or closes twice. */
function contradicts(heard: Heard, type: 'tick' | 'final', tick: Tick): boolean {
  const differs = (old: Tick | undefined): boolean =>
    old !== undefined &&
    old.k === tick.k &&
    (old.count !== tick.count || !equalBytes(old.head, tick.head))
  const closedElsewhere = type === 'final' && heard.final !== undefined && heard.final.k !== tick.k
  return differs(heard.final) || differs(heard.last) || closedElsewhere
}

/** What counts: the last tick inside the window, if a Final closed at or beyond it; else nothing. */
function lineOf({ gpu, counted, final, equivocated }: Heard): Line {
  const closed =
    !equivocated && counted !== undefined && final !== undefined && counted.k <= final.k
  const { peerId: miner, hotkey, gpuId, n } = gpu
  return { miner, hotkey, gpu: gpuId, n, passes: 0, steps: closed ? counted.count : 0 }
}
