import { atMost } from '../at-most.ts'
import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import type { GemmFault } from './gemm-proof.ts'
import type { Bytes } from './hash.ts'
import type { ShownJob, ShownResult } from './judge-shown.ts'
import type { PassFault } from './residency-proof.ts'
import type { SlotStatements } from './slot.ts'
import type { PerWork, SlotNetwork, Work } from './slot-network.ts'
import type { BadHops, BreakAt } from './slot-testimony.ts'
import type { Transcript } from './transcript.ts'

/** What a verifier is given: untrusted content and everything it derived itself. */
export interface CheckJob {
  readonly content: Bytes
  readonly statements: SlotStatements
  readonly limits: Pick<SlotNetwork, 'residency' | 'gemm' | 'locality'>
  /** Fields that the transcript must repeat as they are. */
  readonly expected: Partial<Transcript>
  /** The pulse that started the locality chain, which the transcript must repeat beside it. */
  readonly hopsPulse?: NonNullable<Transcript['locality']>['pulse']
}

/** What was found of a locality chain; one that is VALID with the signed Final inside. */
export type CheckedLocality =
  | {
      readonly verdict: 'VALID'
      readonly heads: readonly Bytes[]
      readonly counts: readonly number[]
      readonly final: Bytes
    }
  | BadHops

export type CheckResult =
  | {
      readonly ok: true
      /** Heads of the tick chains from before any tick, and the count claimed at each tick. */
      readonly heads: PerWork<readonly Bytes[]>
      readonly counts: PerWork<readonly number[]>
      /** Pages and crossings checked. */
      readonly pages: number
      readonly dots: number
      /** The signed Finals inside; the caller compares them with those it heard. */
      readonly finals: PerWork<Bytes>
      /** Absent where the job states no locality chain. */
      readonly locality?: CheckedLocality
      readonly verifyMs: number
    }
  | {
      readonly ok: false
      readonly why: GemmFault | PassFault
      /** Whose proof is bad, and where; absent when the whole is no transcript. */
      readonly work?: Work
      readonly at?: BreakAt
      /** For people: the field that differs, or why it is no transcript. */
      readonly detail?: string
      /** The signed Finals inside what is one as a whole. */
      readonly finals?: PerWork<Bytes>
      readonly verifyMs: number
    }

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
