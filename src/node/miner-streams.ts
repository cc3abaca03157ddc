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
  /** A signed record with the time of its arrival, some moments later; false ends the stream. */
  readonly onRecord: (miner: string, record: Uint8Array, atMs: number) => boolean
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
  /** Hands over every record that has arrived, at once. */
  settle(): void
  /** How many streams stand. */
  readonly standing: number
}

/**
 * How long records are handed over before sockets are read again. A hundred GPUs tick at one moment: each tick is
 * stamped when it is read, and waits for its turn to be checked, or the last would be stamped after the checks of all.
 */
const TURN_MS = 4

/** Work for later, in order, some of it at a time. */
class Queue {
  readonly #waiting: (() => void)[] = []
  #scheduled: NodeJS.Immediate | undefined

  push(job: () => void): void {
    this.#waiting.push(job)
    this.#scheduled ??= setImmediate(() => this.#turn())
  }

  /** Does everything that waits. */
  settle(): void {
    for (const job of this.#waiting.splice(0)) job()
  }

  clear(): void {
    this.#waiting.length = 0
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
  }

  #turn(): void {
    const endMs = performance.now() + TURN_MS
    let done = 0
    while (done < this.#waiting.length && performance.now() < endMs) this.#waiting[done++]!()
    this.#waiting.splice(0, done)
    this.#scheduled = this.#waiting.length > 0 ? setImmediate(() => this.#turn()) : undefined
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
  const arrived = new Queue()

  /** Follows one stream to its end; false when the miner ended it by what it sent. */
  async function once(miner: string, life: AbortController): Promise<boolean> {
    const stream = new AbortController()
    const stop = (): void => stream.abort(life.signal.reason)
    life.signal.addEventListener('abort', stop, { once: true })
    const silent = (): void => stream.abort(new DOMException('silent', 'TimeoutError'))
    let timer = setTimeout(silent, silentMs)
    let refused = false
    const hand = (record: Uint8Array, atMs: number): void => {
      if (refused || stream.signal.aborted || onRecord(miner, record, atMs)) return
      refused = true
      stream.abort(new DOMException('refused', 'AbortError'))
    }
    const take = ({ kind, record, capability }: ChallengeItem): boolean => {
      if (refused || !quota.take({ peerId: miner, prefix: undefined })) return false
      const atMs = nowMs()
      if (kind === 'announced' && capability !== undefined) onAnnounced?.(miner, capability)
      if (kind === 'record' && record !== undefined) arrived.push(() => hand(record, atMs))
      return true
    }
    try {
      for await (const item of rpc.askStream(challenge, miner, {}, stream.signal)) {
        clearTimeout(timer)
        timer = setTimeout(silent, silentMs)
        standing.add(miner)
        if (!take(item)) return false
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
    while (!life.signal.aborted) {
      let waitMs = retryMs
      try {
        if (!(await once(miner, life))) {
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
      arrived.clear()
    },
    { once: true },
  )

  return {
    settle: () => arrived.settle(),
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
