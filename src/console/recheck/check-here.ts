import { MOST_TRANSCRIPT_BYTES } from '../../api/transcript-size.ts'
import { ComputeNodeError } from '../../client/errors.ts'
import { bytesText } from '../ui/format.ts'
import type { Told } from './recheck-worker.ts'

type Check = Extract<Told, { check: unknown }>['check']
export type Finding = Extract<Told, { finding: unknown }>['finding']
export type { Check }

/**
 * Checks a transcript in a worker of this page, which ends with it; `onCheck` hears of each check as it is made. Resolves
 * with what was found, whatever that is.
 * @throws ComputeNodeError where it could not be checked at all; the reason of `signal`
 */
export function checkHere(
  content: Blob,
  onCheck: (check: Check) => void,
  signal: AbortSignal,
): Promise<Finding> {
  signal.throwIfAborted()
  assertNotTooLarge(content.size)
  const { promise, resolve, reject } = Promise.withResolvers<Finding>()
  const worker = new Worker(new URL('./recheck-worker.ts', import.meta.url), { type: 'module' })
  const fail = (message: string): void =>
    reject(new ComputeNodeError('FAILED_RECHECK', message, { next: ON_A_TERMINAL }))
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  worker.onerror = ({ message }) => fail(`this browser cannot check transcripts: ${message}`)
  worker.onmessage = ({ data }: MessageEvent<Told>) => {
    if ('check' in data) onCheck(data.check)
    else if ('finding' in data) resolve(data.finding)
    else fail(data.failed)
  }
  worker.postMessage(content)
  return promise.finally(() => {
    signal.removeEventListener('abort', onAbort)
    worker.terminate()
  })
}

const ON_A_TERMINAL = 'check it on a terminal: compute-node gpu verify'

/** @throws ComputeNodeError: what is larger than any transcript is none, and is not read */
export function assertNotTooLarge(bytes: number): void {
  if (bytes <= MOST_TRANSCRIPT_BYTES) return
  throw new ComputeNodeError(
    'BAD_MESSAGE_TRANSCRIPT',
    `${bytesText(bytes)}: no transcript is so large`,
  )
}
