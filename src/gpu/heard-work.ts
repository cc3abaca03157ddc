import { type BeaconInfo, timeOf } from '../beacon.ts'
import { equalBytes } from '../bytes.ts'
import { isWhole, tellsOf } from '../told-ticks.ts'
import type { Bytes } from './hash.ts'
import type { ProofMode } from './proof-mode.ts'
import { type Final, maxCount, type Tick } from './slot.ts'
import type { AnyWork, SlotNetwork } from './slot-network.ts'
import { windowOf } from './slot-schedule.ts'

/** Whose clock and which slot ticks are held against. */
export interface HearingPlace {
  readonly net: SlotNetwork
  readonly beacon: BeaconInfo
  readonly slot: number
  /** That of the GPU, which says how long its windows are; idle where absent. */
  readonly mode?: ProofMode | undefined
}

/** What a validator heard of one kind of work of one GPU in one slot. */
export class HeardWork {
  readonly #place: HearingPlace
  readonly #work: AnyWork
  #last: Tick | undefined
  #counted: Tick | undefined
  #final: Final | undefined

  constructor(place: HearingPlace, work: AnyWork) {
    this.#place = place
    this.#work = work
  }

  /** Whether anything came, in time or not. */
  get isHeard(): boolean {
    return this.#last !== undefined || this.#final !== undefined
  }

  /** The last tick that arrived inside the window. */
  get counted(): Tick | undefined {
    return this.#counted
  }

  /** The close that came in time. */
  get final(): Final | undefined {
    return this.#final
  }

  /** What counts: the last tick inside the window, if a Final closed at or beyond it; else nothing. */
  get count(): number {
    const [counted, final] = [this.#counted, this.#final]
    if (counted === undefined || final === undefined || counted.k > final.k) return 0
    return counted.count
  }

  /** Takes a tick that arrived at `atMs`; false when it contradicts what was heard before. Never throws. */
  take(tick: Tick, atMs: number): boolean {
    if (!this.#isSane(tick)) return true
    const [last, final] = [this.#last, this.#final]
    if (final !== undefined && !tellsOf(final.ticks, tick)) return false
    if (last !== undefined && cannotBoth(last, tick)) return false
    this.#count(tick, atMs)
    return true
  }

  /** The same of a Final: it closes once, and tells of every tick that was heard. */
  close(final: Final, atMs: number): boolean {
    if (!this.#isSane(final) || !isWhole(final.ticks, final)) return true
    const before = this.#final
    if (before !== undefined && !equalBytes(before.ticks, final.ticks)) return false
    if (before !== undefined && cannotBoth(before, final)) return false
    const heard = [this.#last, this.#counted]
    if (heard.some((tick) => tick !== undefined && !tellsOf(final.ticks, tick))) return false
    this.#close(final, atMs)
    return true
  }

  /**
   * Whether the counted tick is a prefix of what the Final closed: `heads` and `counts` are those of the opened chain. A
   * head binds its count, but a tick says both, and what it says is what counts.
   */
  isPrefixOf(heads: readonly Bytes[], counts: readonly number[]): boolean {
    const counted = this.#counted
    if (counted === undefined) return true
    const { k, count, head } = counted
    return count === (k === 0 ? 0 : counts[k - 1]) && equalBytes(heads[k] ?? new Uint8Array(), head)
  }

  #isSane({ slot, work, k, count, head }: Tick): boolean {
    const { net } = this.#place
    const whole = (value: number, max: number): boolean =>
      Number.isInteger(value) && value >= 0 && value <= max
    return (
      slot === this.#place.slot &&
      work === this.#work &&
      whole(k, net[work].maxTicks) &&
      whole(count, maxCount(net, work)) &&
      head instanceof Uint8Array &&
      head.length === 32
    )
  }

  #close(tick: Final, atMs: number): void {
    const { net, beacon, slot, mode } = this.#place
    const { untilMs } = windowOf(net, beacon, slot, this.#work, mode)
    const inTime = atMs >= untilMs - net.maxSkewMs && atMs < timeOf(beacon, slot + net.close)
    if (inTime) this.#final ??= tick
  }

  /** Messages may be reordered on their way: the furthest stays. */
  #count(tick: Tick, atMs: number): void {
    const last = this.#last
    if (last !== undefined && tick.k <= last.k) return
    this.#last = tick
    const { net, beacon, slot, mode } = this.#place
    const { fromMs, untilMs } = windowOf(net, beacon, slot, this.#work, mode)
    if (atMs >= fromMs && atMs <= untilMs) this.#counted = tick
  }
}

/** Whether two messages of one chain say different things under one number, or one takes back what the other did. */
function cannotBoth(a: Tick, b: Tick): boolean {
  if (a.k === b.k) return a.count !== b.count || !equalBytes(a.head, b.head)
  return a.k < b.k ? a.count > b.count : b.count > a.count
}
