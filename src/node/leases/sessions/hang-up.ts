import { sleep } from '../../../clock.ts'
import type { Exec } from '../../../containers/engine.ts'
import { secondsMs } from '../../../units.ts'

/** How long a command may take to end after its renter left, before it is killed. */
const HANGUP_MS = secondsMs(3)

/** Ends a command whose renter is gone; what it prints from here on nobody reads. */
export async function hangUp(exec: Exec): Promise<void> {
  exec.stdin.destroy()
  exec.stdout.resume()
  exec.stderr.resume()
  const ended = exec.exitCode.then(
    () => true,
    () => true,
  )
  await exec.kill('SIGHUP').catch(() => undefined) // SIGKILL follows, and says so when the engine is gone
  const inTime = await Promise.race([ended, sleep(HANGUP_MS).then(() => false)])
  if (!inTime) await exec.kill('SIGKILL')
}
