import { sleep } from '../../../clock.ts'
import type { Exec, Signalled } from '../../../containers/engine.ts'
import { secondsMs } from '../../../units.ts'

/** How long a command may take to end after its renter left, before it is killed. */
const HANGUP_MS = secondsMs(3)

/**
 * Ends a command whose renter is gone, and all that it started: a SIGHUP, and then SIGKILL, also when the command itself
 * has ended, for its children may have ignored the first. With `command` what it started runs on. What it prints from
 * here on nobody reads.
 */
export async function hangUp(exec: Exec, whom: Signalled = 'all'): Promise<void> {
  exec.stdin.destroy()
  exec.stdout.resume()
  exec.stderr.resume()
  const ended = exec.exitCode.catch(() => undefined)
  await exec.kill('SIGHUP', whom).catch(() => undefined) // SIGKILL follows, and says so when the engine is gone
  const patience = new AbortController()
  const enough = sleep(HANGUP_MS, patience.signal).catch(() => undefined) // it ended before
  await Promise.race([ended, enough])
  patience.abort()
  await exec.kill('SIGKILL', whom)
}
