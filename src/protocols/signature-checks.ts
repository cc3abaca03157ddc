import { sleep } from '../clock.ts'
import { codeOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { createThread, siblingModule } from '../thread.ts'
import { packSignature, verifyPacked } from './packed-signature.ts'
import type { CheckSignature } from './signed.ts'

/**
 * Checks ed25519 signatures in a thread. One takes 0.12 ms, in which the event loop reads no socket: with a hundred miners
 * that tick at one moment, the last tick would be stamped after the checks of all.
 */
export interface SignatureChecks extends AsyncDisposable {
  /**
   * Whether a signature (64 B) of a key (32 B) is right. Answers come in the order of the questions; never rejects: what
   * the thread fails to check is checked here.
   */
  readonly isRight: CheckSignature
  /** Starts the thread now instead of at the first signature. */
  warm(): void
}

/**
 * What comes within this time is handed over together: waking the thread for each record by itself would take the
 * processor away from reading the next, a hundred times.
 */
const TOGETHER_MS = 5
/** Some 30 ms of checks. */
const MOST_TOGETHER = 256
/** A batch takes milliseconds; so long means that the thread is stuck. */
const TIMEOUT_MS = 10_000

interface Waiting {
  readonly packed: Uint8Array
  readonly resolve: (isRight: boolean) => void
}

export interface SignatureChecksOptions {
  /** What checks; a test puts another in its place. */
  readonly module?: URL
}

/** Checks in one thread, which starts with the first signature. */
export function createSignatureChecks(
  log: Log,
  { module = siblingModule(import.meta.url, 'signature-worker') }: SignatureChecksOptions = {},
): SignatureChecks {
  const thread = createThread({ module, name: 'signatures', code: 'FAILED_SIGNATURES', log })
  const waiting: Waiting[] = []
  let running: Promise<void> | undefined
  let isClosed = false

  async function answers(packed: readonly Uint8Array[]): Promise<readonly boolean[]> {
    try {
      return await thread.call<boolean[]>('verify', packed, TIMEOUT_MS)
    } catch (error) {
      if (!isClosed) log.warn('signatures-checked-here', { code: codeOf(error) })
      return packed.map(verifyPacked)
    }
  }

  async function run(): Promise<void> {
    while (waiting.length > 0) {
      await sleep(TOGETHER_MS)
      const batch = waiting.splice(0, MOST_TOGETHER)
      const right = await answers(batch.map(({ packed }) => packed))
      for (const [i, { resolve }] of batch.entries()) resolve(right[i] === true)
    }
    running = undefined
  }

  return {
    isRight: (publicKey, message, signature) =>
      new Promise((resolve) => {
        waiting.push({ packed: packSignature(publicKey, message, signature), resolve })
        running ??= run()
      }),
    warm: () => thread.warm(),
    async [Symbol.asyncDispose]() {
      isClosed = true
      await thread[Symbol.asyncDispose]()
      await running
    },
  }
}
