import { sleep } from '../clock.ts'
import { codeOf, messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { type ChallengeItem, challenge } from '../protocols/challenge.ts'
import { createQuota } from '../protocols/quota.ts'
import type { Rpc } from '../protocols/rpc.ts'

export interface MinerStreamsOptions {
  readonly rpc: Pick<Rpc, 'askStream'>
  readonly log: Log
  readonly nowMs: () => number
  /** Wait before a lost stream is opened again. */
  readonly retryMs: number
  /** A stream without any item for this long is dead. */
  readonly silentMs: number
  /** Wait after a stream that no honest miner sends. */
  readonly banMs: number
  /**
   * Checks a signed record, read at `atMs`; called at once, for many at a time. Resolves with what hears it, which is
   * called in the order in which the miner's records came; undefined ends the stream. Neither may fail.
   */
  readonly onRecord: (
    miner: string,
    record: Uint8Array,
    atMs: number,
  ) => Promise<(() => void) | undefined>
  /** A capability record, before anything was checked. */
  readonly onAnnounced?: (miner: string, record: Uint8Array) => void
}

/** A machine with 32 GPUs sends some 30 records a second in a local window; each costs a signature check. */
const MAX_RECORDS_PER_MINUTE = 4096

/** One challenge stream per miner, opened again when it is lost, until `signal` aborts. */
export interface MinerStreams {
  /** The miners to follow from now on; others are let go. */
  want(miners: readonly string[]): void
  /** Whether a miner's stream stands, or was wanted before `sinceMs`: its silence would be its own. */
  isDue(miner: string, sinceMs: number): boolean
  /** Whether every record that was read before `untilMs` has been heard: what came in time counts before it is judged. */
  isHeard(untilMs: number): boolean
  /** How many streams stand. */
  readonly standing: number
}

/**
 * Records of one miner that wait to be heard before its stream is read on. A machine with 32 GPUs sends that many at one
 * moment; of a flood, no more than this keeps others and the close of a window waiting, 15 ms.
 */
const MOST_WAITING = 128

/** What was read from all streams and not yet heard, oldest first. */
class Unheard {
  readonly #waiting = new Set<{ readonly atMs: number }>()

  /** Counts a record as waiting until `heard` is through. */
  async add(atMs: number, heard: Promise<void>): Promise<void> {
    const one = { atMs }
    this.#waiting.add(one)
    try {
      await heard
    } finally {
      this.#waiting.delete(one)
    }
  }

  /** Whether nothing waits that was read before `untilMs`. */
  isThrough(untilMs: number): boolean {
    const [oldest] = this.#waiting
    return oldest === undefined || oldest.atMs >= untilMs
  }
}

/** One miner's records, heard in the order they came. */
class Line {
  readonly #unheard: Unheard
  #last: Promise<void> = Promise.resolve()
  #length = 0

  constructor(unheard: Unheard) {
    this.#unheard = unheard
  }

  /** Hears a record once it is checked and those before it were heard. */
  push<T>(atMs: number, checked: Promise<T>, hear: (checked: T) => void): void {
    this.#length += 1
    this.#last = this.#unheard.add(atMs, this.#turn(this.#last, checked, hear))
  }

  async #turn<T>(
    before: Promise<void>,
    checked: Promise<T>,
    hear: (checked: T) => void,
  ): Promise<void> {
    try {
      const result = await checked
      await before
      hear(result)
    } finally {
      this.#length -= 1
    }
  }

  /** A promise while too many wait, undefined while there is room. */
  room(): Promise<void> | undefined {
    return this.#length >= MOST_WAITING ? this.#last : undefined
  }
}

export function createMinerStreams(
  options: MinerStreamsOptions,
  signal: AbortSignal,
): MinerStreams {
  const { rpc, log, nowMs, retryMs, silentMs, banMs, onRecord, onAnnounced } = options
  const followed = new Map<string, { readonly life: AbortController; readonly sinceMs: number }>()
  const quota = createQuota(MAX_RECORDS_PER_MINUTE, nowMs)
  const standing = new Set<string>()
  const unheard = new Unheard()

  /** Follows one stream to its end; false when the miner ended it by what it sent. */
  async function once(miner: string, line: Line, life: AbortController): Promise<boolean> {
    const stream = new AbortController()
    const stop = (): void => stream.abort(life.signal.reason)
    life.signal.addEventListener('abort', stop, { once: true })
    const silent = (): void => stream.abort(new DOMException('silent', 'TimeoutError'))
    let timer = setTimeout(silent, silentMs)
    let refused = false
    const hear = (heard: (() => void) | undefined): void => {
      if (refused || stream.signal.aborted) return
      if (heard === undefined) {
        refused = true
        stream.abort(new DOMException('refused', 'AbortError'))
      } else heard()
    }
    const take = ({ kind, record, capability }: ChallengeItem): boolean => {
      if (refused || !quota.take({ peerId: miner, prefix: undefined })) return false
      const atMs = nowMs()
      if (kind === 'announced' && capability !== undefined) onAnnounced?.(miner, capability)
      if (kind === 'record' && record !== undefined) {
        line.push(atMs, onRecord(miner, record, atMs), hear)
      }
      return true
    }
    try {
      for await (const item of rpc.askStream(challenge, miner, {}, stream.signal)) {
        clearTimeout(timer)
        timer = setTimeout(silent, silentMs)
        standing.add(miner)
        if (!take(item)) return false
        await line.room()
      }
      return true
    } catch (error) {
      if (refused) return false
      throw error
    } finally {
      clearTimeout(timer)
      standing.delete(miner)
      life.signal.removeEventListener('abort', stop)
    }
  }

  async function follow(miner: string, life: AbortController): Promise<void> {
    const line = new Line(unheard)
    while (!life.signal.aborted) {
      let waitMs = retryMs
      try {
        if (!(await once(miner, line, life))) {
          waitMs = banMs
          log.warn('challenge-stream-refused', { miner })
        }
      } catch (error) {
        if (life.signal.aborted) return
        log.debug('challenge-stream-lost', { miner, code: codeOf(error), reason: messageOf(error) })
      }
      try {
        await sleep(waitMs, life.signal)
      } catch {
        return // let go while waiting
      }
    }
  }

  signal.addEventListener(
    'abort',
    () => {
      for (const { life } of followed.values()) life.abort()
    },
    { once: true },
  )

  return {
    isHeard: (untilMs) => unheard.isThrough(untilMs),
    get standing() {
      return standing.size
    },
    isDue: (miner, sinceMs) =>
      standing.has(miner) || (followed.get(miner)?.sinceMs ?? Number.POSITIVE_INFINITY) <= sinceMs,
    want(miners) {
      const wanted = new Set(miners)
      for (const [miner, { life }] of followed) {
        if (wanted.has(miner)) continue
        life.abort()
        followed.delete(miner)
      }
      for (const miner of wanted) {
        if (followed.has(miner) || signal.aborted) continue
        const life = new AbortController()
        followed.set(miner, { life, sinceMs: nowMs() })
        void follow(miner, life)
      }
    },
  }
}
