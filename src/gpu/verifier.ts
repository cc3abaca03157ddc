import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import type { Element, GemmFault, GemmLimits, GemmStatement } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { Transcript } from './transcript.ts'

/** What a verifier is given: untrusted content and everything it derived itself. */
export interface CheckJob {
  readonly content: Bytes
  readonly statement: GemmStatement
  readonly limits: GemmLimits
  /** Fields that the transcript must repeat as they are. */
  readonly expected: Partial<Transcript>
}

export type CheckResult =
  | {
      readonly ok: true
      readonly heads: readonly Bytes[]
      readonly dots: number
      /** The signed Final inside; the caller compares it with the one it heard. */
      readonly final: Bytes
      readonly verifyMs: number
    }
  | {
      readonly ok: false
      readonly why: GemmFault
      readonly at?: Element
      /** For people: the field that differs, or why it is no transcript. */
      readonly detail?: string
      readonly verifyMs: number
    }

/** Checks transcripts off the event loop. */
export interface Verifier extends AsyncDisposable {
  /** The verdict on content; GPU_VERIFIER_* when this machine failed, which is nobody else's fault. */
  check(job: CheckJob): Promise<CheckResult>
}

/** Verification takes milliseconds; a minute means that the machine is stuck. */
const CHECK_TIMEOUT_MS = 60_000

/** A verifier in one worker thread, restarted when it crashes. */
export function createVerifier(log: Log): Verifier {
  const thread = createThread({
    module: siblingModule(import.meta.url, 'verify-worker'),
    name: 'verifier',
    code: 'GPU_VERIFIER',
    log,
  })
  return {
    check: (job) => thread.call<CheckResult>('check', job, CHECK_TIMEOUT_MS),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  }
}
