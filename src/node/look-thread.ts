import { CHECKED_AT_ONCE } from '../api/proofs.ts'
import { NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import { secondsMs } from '../units.ts'
import type { EvidenceFinding } from './leases/check-evidence.ts'
import type { SimulationAsked } from './simulate-asked.ts'
import type { Simulation } from './simulation.ts'
import type { TranscriptFinding } from './verify-transcript.ts'

/** A transcript takes a second or two; the largest subnet over many epochs a minute. */
const TIMEOUT_MS = secondsMs(120)

/** What somebody asks a node to look at, in a thread, so that leases and slots do not wait for it. */
export interface LookThread extends AsyncDisposable {
  /**
   * `read` gets what is looked at once there is room for it.
   * @throws REFUSED_BUSY while as many as may be are looked at; FAILED_LOOK_TIMEOUT; what `read` throws
   */
  transcript(read: () => Promise<Uint8Array>): Promise<TranscriptFinding>
  evidence(read: () => Promise<Uint8Array>): Promise<EvidenceFinding>
  simulation(read: () => Promise<SimulationAsked>): Promise<Simulation>
}

/** Its thread starts with the first question. */
export function createLookThread(log: Log): LookThread {
  const thread = createThread({
    module: siblingModule(import.meta.url, 'look-worker'),
    name: 'look',
    code: 'FAILED_LOOK',
    log,
  })
  let now = 0
  const look = async <T>(method: string, read: () => Promise<unknown>): Promise<T> => {
    if (now >= CHECKED_AT_ONCE) {
      throw new NodeError('REFUSED_BUSY', `${now} files or simulations are looked at already`, {
        next: 'try again in a few seconds',
        retryAfterMs: secondsMs(5),
      })
    }
    now++
    try {
      return await thread.call<T>(method, await read(), TIMEOUT_MS)
    } finally {
      now--
    }
  }
  return {
    transcript: (read) => look('transcript', read),
    evidence: (read) => look('evidence', read),
    simulation: (read) => look('simulation', read),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
