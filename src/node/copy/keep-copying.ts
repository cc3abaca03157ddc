import { sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { rentersTalk } from '../../protocols/files-talk.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { secondsMs } from '../../units.ts'
import type { CopyJob } from './copy-job.ts'
import type { RentersTalk } from './look-at.ts'

/** How long a connection that broke is tried for, counted anew whenever something came through. */
const PATIENCE_MS = secondsMs(60)
const PAUSES_MS = [100, 250, 500, 1000, 2000]

/** What says that the connection is gone, or the node at either end, and not that the copy cannot be. */
const BROKEN: ReadonlySet<string> = new Set([
  'PEER_LOST',
  'PEER_UNREACHABLE',
  'PEER_TIMEOUT',
  'FAILED_NODE_STOPPED',
  'FAILED_NOT_RUNNING',
])

const isBroken = (error: unknown): boolean =>
  codeOf(error) === 'PEER_STARTING' || (BROKEN.has(codeOf(error)) && !isRefusal(error))

export interface Copying {
  readonly open: () => Promise<FrameChannel>
  readonly work: (talk: RentersTalk) => Promise<void>
  readonly job: CopyJob
  /** Whether it can go on over another connection. */
  readonly resumes: boolean
  readonly signal: AbortSignal
  /** It broke, and is tried again. */
  readonly onLost: () => void
}

/** Does a copy over as many connections as it takes; each looks anew at what there is and goes on from there. */
export async function keepCopying(copying: Copying): Promise<void> {
  const { job, resumes, signal, onLost } = copying
  let [sinceMs, bytes, tries] = [performance.now(), -1, 0]
  for (;;) {
    try {
      return await overOne(copying)
    } catch (error) {
      signal.throwIfAborted()
      if (!resumes || !isBroken(error)) throw error
      if (job.bytes > bytes) [sinceMs, bytes, tries] = [performance.now(), job.bytes, 0]
      if (performance.now() - sinceMs > PATIENCE_MS) throw error
      if (tries === 0) onLost()
    }
    await sleep(PAUSES_MS[Math.min(tries++, PAUSES_MS.length - 1)]!, signal)
  }
}

async function overOne({ open, work, job, signal }: Copying): Promise<void> {
  signal.throwIfAborted()
  const channel = await open()
  const stop = (): void => channel.abort(reasonOf(signal))
  signal.addEventListener('abort', stop, { once: true })
  const talk = rentersTalk(channel)
  ;[job.plannedBytes, job.doneBytes] = [0, 0]
  try {
    await work(talk)
    await channel.end()
    if ((await talk.hear()) !== undefined) throw new NodeError('BAD_MESSAGE', 'the miner goes on')
  } catch (error) {
    const told = await whatMinerSaid(talk, error)
    channel.abort(told instanceof Error ? told : new Error(String(told)))
    throw told
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new NodeError('FAILED_INTERRUPTED', String(reason))

/** Sending fails when the miner gave up; why it did comes with what is received. */
async function whatMinerSaid(talk: RentersTalk, error: unknown): Promise<unknown> {
  if (codeOf(error) !== 'PEER_LOST' || isRefusal(error)) return error
  try {
    while ((await talk.hear()) !== undefined);
    return error
  } catch (told) {
    return told
  }
}
