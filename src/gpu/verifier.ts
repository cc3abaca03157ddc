import { atMost } from '../at-most.ts'
import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import type { CheckJob, CheckResult } from './check-transcript.ts'
import type { ShownJob, ShownResult } from './judge-shown.ts'

/** Checks transcripts off the event loop. */
export interface Verifier extends AsyncDisposable {
  /** The verdict on content; GPU_VERIFIER_* when this machine failed, which is nobody else's fault. */
  check(job: CheckJob): Promise<CheckResult>
  /** What a proof shows of one committed value; GPU_VERIFIER_* as above. */
  judge(job: ShownJob): Promise<ShownResult>
}

/** Verification takes milliseconds; a minute means that the machine is stuck. */
const CHECK_TIMEOUT_MS = 60_000

export interface VerifierOptions {
  /** What checks; a test puts another in its place. */
  readonly module?: URL
  readonly timeoutMs?: number
}

/** A verifier in one worker thread, restarted when it crashes. */
export function createVerifier(
  log: Log,
  {
    module = siblingModule(import.meta.url, 'verify-worker'),
    timeoutMs = CHECK_TIMEOUT_MS,
  }: VerifierOptions = {},
): Verifier {
  const thread = createThread({
    module,
    name: 'verifier',
    code: 'GPU_VERIFIER',
    log,
  })
  // A deadline runs from a job's own turn: a full slot's checks take longer than any one of them may.
  const inTurn = atMost(1)
  return {
    check: (job) => inTurn(() => thread.call<CheckResult>('check', job, timeoutMs)),
    judge: (job) => inTurn(() => thread.call<ShownResult>('judge', job, timeoutMs)),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
