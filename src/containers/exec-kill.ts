import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { askDocker, isEnded } from './docker-client.ts'
import type { ExecSignal } from './engine.ts'
import type { ExecMark } from './exec-mark.ts'
import { findHostBusybox } from './host-busybox.ts'
import { tar } from './tar.ts'

/**
 * $1 mark, $2 signal. SIGKILL also goes to the group that a marked process leads (a child may have cleared its
 * environment), and is repeated for those that were just being started. Oldest first: a shell whose child died before
 * it got its own signal would go on to its next command.
 */
const SCRIPT = `
for turn in 1 2 3; do
  found=
  for pid in $(ls /proc | grep '^[0-9]' | sort -n); do
    if tr '\\000' '\\n' <"/proc/$pid/environ" 2>/dev/null | grep -qx "$1"; then
      found=1
      [ "$2" = KILL ] && kill -KILL "-$pid" 2>/dev/null
      kill "-$2" "$pid" 2>/dev/null
    fi
  done
  [ "$2" = KILL ] && [ "$found" ] || break
done
:`

const HELPER = '/.cn/busybox'
const NO_SUCH_PROGRAM = 126

/**
 * Signals every process in the container that bears the mark; no error when the container has ended or is gone.
 * ENGINE_FAILED when nothing inside can do it.
 */
export async function signalMarked(
  container: Docker.Container,
  mark: ExecMark,
  signal: ExecSignal,
): Promise<void> {
  const args = ['sh', '-c', SCRIPT, 'sh', `${mark.name}=${mark.value}`, signal.slice(3)]
  try {
    if ((await run(container, [HELPER, ...args])) === 0) return
    if ((await putHelper(container)) && (await run(container, [HELPER, ...args])) === 0) return
    if ((await run(container, ['/bin/sh', ...args.slice(1)])) === 0) return
  } catch (error) {
    if (isEnded(error)) return
    throw error
  }
  throw new NodeError('ENGINE_FAILED', 'the command could not be signalled inside its container', {
    next: 'apt-get install busybox-static on the host, or stop the lease',
  })
}

/** Puts the host's static busybox in, so that an image needs no shell of its own. False when the host has none. */
async function putHelper(container: Docker.Container): Promise<boolean> {
  const busybox = await findHostBusybox()
  if (busybox === undefined) return false
  const archive = tar([
    { path: '.cn/', mode: 0o755, type: 'directory' },
    { path: '.cn/busybox', mode: 0o755, type: 'file', data: busybox.binary },
  ])
  await askDocker('put the helper into the container', (abortSignal) =>
    container.putArchive(archive, { path: '/', abortSignal }),
  )
  return true
}

async function run(container: Docker.Container, command: string[]): Promise<number> {
  return askDocker('signal a command', async (abortSignal) => {
    const exec = await container.exec({
      Cmd: command,
      User: '0',
      AttachStdout: true,
      AttachStderr: true,
      abortSignal,
    })
    const socket = await exec.start({ hijack: true, stdin: true, abortSignal })
    socket.on('error', () => undefined) // its outcome is the exit code
    socket.resume()
    await new Promise((resolve) => socket.once('close', resolve))
    const { ExitCode } = await exec.inspect({ abortSignal })
    return ExitCode ?? NO_SUCH_PROGRAM
  })
}
