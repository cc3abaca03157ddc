import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { type SessionAsk, sessionProtocol } from '../../protocols/session.ts'
import { openTunnel } from '../../protocols/tunnel.ts'
import { secondsMs } from '../../units.ts'
import type { FoundLease } from './find-lease.ts'
import type { RentBook } from './rent-book.ts'

/** A miner listens before all that it serves has started. */
const STARTING_MS = secondsMs(20)
const RETRY_MS = 500

/**
 * Opens a session in a lease's container; `signal` ends it. A miner that does not know of sessions may still be
 * starting: it is asked again for a while.
 * @throws the miner's refusal (REFUSED_NOT_AUTHORIZED for a key the lease does not name), PEER_* when it is not there
 */
export async function openSession(
  { rpc }: Pick<RentBook, 'rpc'>,
  { leaseId, miner }: Pick<FoundLease, 'leaseId' | 'miner'>,
  request: SessionAsk,
  signal: AbortSignal,
): Promise<FrameChannel> {
  const giveUpAtMs = Date.now() + STARTING_MS
  for (;;) {
    try {
      return await openTunnel(rpc, sessionProtocol, miner, { ...request, leaseId }, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (codeOf(error) !== 'PEER_UNSUPPORTED' || Date.now() > giveUpAtMs) throw error
      await sleep(RETRY_MS, signal).finally(() => signal.throwIfAborted()) // for its own reason
    }
  }
}

/** What a session that broke means for its user: a connection that is gone says nothing of the command. */
export function sessionError(error: unknown, leaseId: string): unknown {
  const code = codeOf(error)
  if (!code.startsWith('PEER_') || isRefusal(error)) return error
  return new NodeError(
    'PEER_OUTCOME_UNKNOWN',
    `outcome unknown: the connection to the miner broke while the command ran (${messageOf(error)})`,
    {
      cause: error,
      next: `compute-node show ${leaseId.slice(0, 12)} tells what becomes of the lease`,
    },
  )
}
