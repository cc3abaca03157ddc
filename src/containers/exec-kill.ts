import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import { askDocker, isEnded } from './docker-client.ts'
import { createFrameParser } from './docker-frames.ts'
import type { ExecSignal, Signalled } from './engine.ts'
import type { ExecMark } from './exec-mark.ts'
import { findHostBusybox } from './host-busybox.ts'
import { tar } from './tar.ts'

/**
 * $1 mark, $2 signal, $3 whom: the command itself is whose parent is outside the container, 0 in here. SIGKILL also goes to the group that a marked process leads (a child may have cleared its
 * environment), and is repeated for those that were just being started. Oldest first: a shell whose child died before
 * it got its own signal would go on to its next command. Prints whose processes it could not look at, a UID:GID a line:
 * without SYS_PTRACE, which no tenant has, root reads no other user's environment.
 */
const SCRIPT = `
for turn in 1 2 3; do
  found= others=
  for pid in $(ls /proc | grep '^[0-9]' | sort -n); do
    if ! true <"/proc/$pid/environ"; then
      others="$others $(stat -c %u:%g "/proc/$pid")"
    elif tr '\\000' '\\n' <"/proc/$pid/environ" | grep -qx "$1"; then
      [ "$3" = all ] || grep -q '^PPid:.0$' "/proc/$pid/status" || continue
      found=1
      [ "$2$3" = KILLall ] && kill -KILL "-$pid"
      kill "-$2" "$pid"
    fi
  done 2>/dev/null
  [ "$2" = KILL ] && [ "$found" ] || break
done
for other in $others; do echo "$other"; done | sort -u
:`

type Shell = readonly string[]
const HELPER: Shell = ['/.cn/busybox', 'sh']
const IMAGE_SHELL: Shell = ['/bin/sh']
const ROOT = '0'
const NO_SUCH_PROGRAM = 126
/** An exec for each; a tenant could run processes as hundreds of users. */
const MAX_USERS = 8
const MAX_PRINTED_BYTES = 16 * KiB

/**
 * Signals every process in the container that bears the mark, or the command alone; no error when the container has ended or is gone.
 * ENGINE_FAILED when nothing inside can do it.
 */
export async function signalMarked(
  container: Docker.Container,
  mark: ExecMark,
  signal: ExecSignal,
  whom: Signalled,
): Promise<void> {
  const script = ['-c', SCRIPT, 'sh', `${mark.name}=${mark.value}`, signal.slice(3), whom]
  try {
    const asRoot = async (shell: Shell) => {
      const { code, out } = await run(container, ROOT, [...shell, ...script])
      return code === 0 ? { shell, others: out.match(/^\d+:\d+$/gm) ?? [] } : undefined
    }
    const done =
      (await asRoot(HELPER)) ??
      ((await putHelper(container)) ? await asRoot(HELPER) : undefined) ??
      (await asRoot(IMAGE_SHELL))
    if (done === undefined) throw unable()
    for (const user of done.others.slice(0, MAX_USERS)) {
      await run(container, user, [...done.shell, ...script])
    }
  } catch (error) {
    if (isEnded(error)) return
    throw error
  }
}

const unable = (): NodeError =>
  new NodeError('ENGINE_FAILED', 'the command could not be signalled inside its container', {
    next: 'apt-get install busybox-static on the host, or stop the lease',
  })

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

/** What a command inside prints, and its exit code. */
async function run(
  container: Docker.Container,
  user: string,
  command: string[],
): Promise<{ readonly code: number; readonly out: string }> {
  return askDocker('signal a command', async (abortSignal) => {
    const exec = await container.exec({
      Cmd: command,
      User: user,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal,
    })
    const socket = await exec.start({ hijack: true, stdin: true, abortSignal })
    socket.on('error', () => undefined) // its outcome is the exit code
    let printed = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      // What is put into the container, or is the image's own, its tenant may have changed.
      if (printed.length < MAX_PRINTED_BYTES) printed = Buffer.concat([printed, chunk])
    })
    await new Promise((resolve) => socket.once('close', resolve))
    const { ExitCode } = await exec.inspect({ abortSignal })
    const frames = createFrameParser().push(printed)
    const out = frames.map(({ stream, data }) => (stream === 'stdout' ? data : '')).join('')
    return { code: ExitCode ?? NO_SUCH_PROGRAM, out }
  })
}
