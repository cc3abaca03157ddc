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
  /** A signed record with the time of its arrival, before anything was checked; false ends the stream. */
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
  /** How many streams stand. */
  readonly standing: number
}

export function createMinerStreams(
  options: MinerStreamsOptions,
  signal: AbortSignal,
): MinerStreams {
  const { rpc, log, nowMs, retryMs, silentMs, banMs, onRecord, onAnnounced } = options
  const followed = new Map<string, { readonly life: AbortController; readonly sinceMs: number }>()
  const quota = createQuota(MAX_RECORDS_PER_MINUTE, nowMs)
  const standing = new Set<string>()

  /** Follows one stream to its end; false when the miner ended it by what it sent. */
  async function once(miner: string, life: AbortController): Promise<boolean> {
    const stream = new AbortController()
    const stop = (): void => stream.abort(life.signal.reason)
    life.signal.addEventListener('abort', stop, { once: true })
    const silent = (): void => stream.abort(new DOMException('silent', 'TimeoutError'))
    let timer = setTimeout(silent, silentMs)
    const take = ({ kind, record, capability }: ChallengeItem): boolean => {
      if (!quota.take({ peerId: miner, prefix: undefined })) return false
      if (kind === 'announced' && capability !== undefined) onAnnounced?.(miner, capability)
      return kind !== 'record' || record === undefined || onRecord(miner, record, nowMs())
    }
    try {
      for await (const item of rpc.askStream(challenge, miner, {}, stream.signal)) {
        clearTimeout(timer)
        timer = setTimeout(silent, silentMs)
        standing.add(miner)
        if (!take(item)) return false
      }
      return true
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
    },
    { once: true },
  )

  return {
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
