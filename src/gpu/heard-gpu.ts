import { HeardWork, type HearingPlace } from './heard-work.ts'
import type { Announcement, Final, Heads, Line, Tick } from './slot.ts'
import { type AnyWork, type PerAnyWork, type PerWork, works } from './slot-network.ts'
import type { Checked, CheckedHops, Offered, SlotVerdict, VerdictRow } from './slot-testimony.ts'

/** One GPU of a slot as one validator heard it, up to the verdict. */
export class HeardGpu {
  readonly gpu: Announcement
  readonly #works: PerWork<HeardWork>
  readonly #locality: HeardWork
  #equivocated = false
  /** It told two tales of its locality chain, which then counts for nothing; all else stands. */
  #hopsForked = false
  #verdict: VerdictRow | undefined
  offered: Offered | undefined
  pulled = false
  /** It was not drawn to look, and has not looked: it may have to when others differ. */
  isSpared = false
  /** This validator says nothing about it: it was not drawn to, could not check by its own fault, or nothing is due. */
  excused: boolean

  constructor(at: HearingPlace, gpu: Announcement) {
    const place = { ...at, mode: gpu.mode }
    this.gpu = gpu
    this.excused = gpu.mode === 'exclusive'
    this.#works = {
      residency: new HeardWork(place, 'residency'),
      gemm: new HeardWork(place, 'gemm'),
    }
    this.#locality = new HeardWork(place, 'locality')
  }

  get verdict(): VerdictRow | undefined {
    return this.#verdict
  }

  /** Whether a verdict may still be found. */
  get isOpen(): boolean {
    return this.#verdict === undefined && !this.excused
  }

  /** Whether a tick arrived inside a window. */
  get isCounted(): boolean {
    return works.some((work) => this.#works[work].counted !== undefined)
  }

  /**
   * The closes of its work; undefined while one that must be is missing, or when it told two tales. That of a locality
   * chain is there if it closed with anything done.
   */
  get finals(): PerAnyWork<Final> | undefined {
    const [residency, gemm] = [this.#works.residency.final, this.#works.gemm.final]
    if (this.#equivocated || residency === undefined || gemm === undefined) return undefined
    const { final } = this.#locality
    const walked = final !== undefined && final.count > 0 && !this.#hopsForked
    return { residency, gemm, ...(walked ? { locality: final } : {}) }
  }

  /** Takes a tick that arrived at `atMs`. */
  take(tick: Tick, atMs: number): void {
    this.#hear(tick.work, (heard) => heard.take(tick, atMs))
  }

  /** Takes a Final that arrived at `atMs`. */
  close(final: Final, atMs: number): void {
    this.#hear(final.work, (heard) => heard.close(final, atMs))
  }

  #hear(work: AnyWork, agrees: (heard: HeardWork) => boolean): void {
    if (this.gpu.mode === 'exclusive') return
    if (work === 'locality') {
      if (!agrees(this.#locality)) this.#hopsForked = true
      return
    }
    const heard: HeardWork | undefined = this.#works[work]
    if (heard === undefined || this.#equivocated) return
    this.#equivocated = !agrees(heard)
  }

  /** What it showed inside the windows; nothing for one that told two tales. */
  line(): Line {
    const { peerId: miner, hotkey, gpuId: gpu, n, bytes, mode = 'idle' } = this.gpu
    if (mode === 'exclusive') {
      return { miner, hotkey, gpu, mode, n: 0, bytes: 0, passes: 0, steps: 0, checkpoints: 0 }
    }
    const { residency, gemm } = this.#works
    const [passes, steps] = this.#equivocated ? [0, 0] : [residency.count, gemm.count]
    const checkpoints = this.#equivocated || this.#hopsForked ? 0 : this.#locality.count
    const { heads } = this
    const counts = { passes, steps, checkpoints }
    return { miner, hotkey, gpu, mode, n, bytes, ...counts, ...(heads && { heads }) }
  }

  /** The heads of the closes that came in time, if both did. */
  get heads(): Heads | undefined {
    const { finals } = this
    return finals && { residency: finals.residency.head, gemm: finals.gemm.head }
  }

  judge(found: Omit<VerdictRow, 'miner' | 'hotkey' | 'gpu'>): void {
    const { peerId: miner, hotkey, gpuId } = this.gpu
    this.#verdict = { miner, hotkey, gpu: gpuId, ...found }
  }

  /** Judges what was found in the openings; a counted tick that is no prefix of the closed chain is a second tale. */
  judgeOpenings(result: Checked): void {
    const forked =
      result.ok && works.some((w) => !this.#works[w].isPrefixOf(result.heads[w], result.counts[w]))
    if (forked || this.#equivocated) this.judge({ verdict: 'EQUIVOCATION' })
    else if (result.ok) {
      const locality =
        result.locality === undefined ? {} : { locality: this.#told(result.locality) }
      this.judge({ verdict: 'VALID', openings: result.content, ...locality })
    } else {
      const { why, work, at, content } = result
      this.judge({
        verdict: why,
        ...(work === undefined ? {} : { work }),
        ...(at === undefined ? {} : { at }),
        ...(content === undefined ? {} : { openings: content }),
      })
    }
  }

  /** What was found of the locality chain, as it goes into the verdict beside VALID. */
  #told(found: CheckedHops): NonNullable<VerdictRow['locality']> {
    if (found.verdict !== 'VALID') return found
    const isWhole = !this.#hopsForked && this.#locality.isPrefixOf(found.heads, found.counts)
    return { verdict: isWhole ? 'VALID' : 'EQUIVOCATION' }
  }

  /** Judges what is certain once no Final may come any more. */
  judgeClose(): void {
    const verdict = this.#atClose()
    if (verdict !== null) this.judge({ verdict })
  }

  #atClose(): SlotVerdict | null {
    if (this.#equivocated) return 'EQUIVOCATION'
    const { finals } = this
    if (finals === undefined) {
      return works.some((work) => this.#works[work].isHeard) ? 'LATE_COMMIT' : 'SILENT'
    }
    return works.some((work) => finals[work].count === 0) ? 'NO_WORK' : null
  }
}
