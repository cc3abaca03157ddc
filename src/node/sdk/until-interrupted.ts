import { constants } from 'node:os'
import { createInterrupts } from '../interrupts.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/**
 * Aborts at the first Ctrl-C or SIGTERM, for `connect({ signal })`: calls that wait reject with FAILED_INTERRUPTED, scopes
 * are left, and leases given back. Where that error reaches the top, the program ends with its message and the exit code
 * of the signal (130, 143). A second Ctrl-C ends it at once, whatever is still rented.
 */
export function untilInterrupted(): AbortSignal {
  let exitCode = 1
  const interrupts = createInterrupts(
    () => performance.now(),
    () => process.exit(exitCode),
  )
  const { signal } = interrupts
  for (const name of SIGNALS) {
    process.on(name, () => {
      exitCode = 128 + constants.signals[name]
      interrupts.press(name)
    })
  }
  signal.addEventListener('abort', () => process.on('uncaughtException', atTop), { once: true })
  return signal

  /** Only once it was interrupted; any other error is told as Node tells it. */
  function atTop(error: unknown): void {
    if (error === signal.reason) {
      console.error(signal.reason.message)
      process.exitCode = exitCode
    } else {
      console.error(error)
      process.exit(1)
    }
  }
}
