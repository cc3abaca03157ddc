import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { sleep } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { attachedCommand } from './attached-command.ts'
import { askDocker, engineWords } from './docker-client.ts'
import type {
  Exec,
  ExecOptions,
  ExecSignal,
  Signalled,
  SpawnOptions,
  TerminalSize,
} from './engine.ts'
import { signalMarked } from './exec-kill.ts'
import { type ExecMark, newExecMark } from './exec-mark.ts'
import { openInputPipe } from './input-pipe.ts'
import { notStarted, startRefusal } from './start-refusal.ts'

/** By default Ctrl-P Ctrl-Q would detach, and eat the renter's keys: keys that nobody types instead. */
const NO_DETACH_KEYS = 'ctrl-^,ctrl-^,ctrl-^,ctrl-^'

/**
 * The connection to the main process. Not dockerode's `attach`: that sends its options as a request body too, and
 * engines may hand unread body bytes to the command as input (docker-modem PR 198). Here the body is empty.
 */
export function attachTo(docker: Docker, id: string): Promise<Duplex> {
  const dial = docker.modem.dial.bind(docker.modem) as (
    options: object,
    done: (error: unknown, socket: Duplex) => void,
  ) => void
  return askDocker(
    'attach to the container',
    (abortSignal) =>
      new Promise((resolve, reject) =>
        dial(
          {
            path: `/containers/${id}/attach?`,
            method: 'POST',
            isStream: true,
            hijack: true,
            file: Buffer.alloc(0),
            options: {
              stream: true,
              stdin: true,
              stdout: true,
              stderr: true,
              detachKeys: NO_DETACH_KEYS,
            },
            statusCodes: { 101: true, 200: true, 404: 'no such container' },
            abortSignal,
          },
          (error, socket) => (error ? reject(error) : resolve(socket)),
        ),
      ),
  )
}

/** Runs `command` inside. */
export async function execIn(
  container: Docker.Container,
  command: readonly string[],
  options: ExecOptions,
): Promise<Exec> {
  const { tty = false, size, signal } = options
  signal?.throwIfAborted()
  const mark = newExecMark()
  const exec = await askDocker('prepare a command', (abortSignal) =>
    container.exec({
      ...placed(command, options, mark),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty: tty,
      DetachKeys: NO_DETACH_KEYS,
      abortSignal,
    }),
  )
  // Not hijacked, ending stdin would destroy the connection and the output with it.
  const socket = await askDocker('start a command', () =>
    exec.start({ hijack: true, stdin: true, Tty: tty }),
  )
  const resize = async ({ columns, rows }: TerminalSize): Promise<void> => {
    if (!tty) return
    try {
      await askDocker('resize the terminal', () => exec.resize({ w: columns, h: rows }))
    } catch (error) {
      // A command may end before its first size comes, and before its engine has noticed.
      if (/stopped container/.test(messageOf(error))) return
      if ((await askDocker('look at a command', () => exec.inspect())).Running) throw error
    }
  }
  const kill = (name: ExecSignal = 'SIGKILL', whom: Signalled = 'all') =>
    signalMarked(container, mark, name, whom)
  const running = attachedCommand({
    socket,
    tty,
    resize,
    kill,
    async inspect() {
      const state = await askDocker('look at a command', (abortSignal) =>
        exec.inspect({ abortSignal }),
      )
      return { running: state.Running, exitCode: state.ExitCode, pid: state.Pid }
    },
    refusalOf: (output) => startRefusal(output, command, options),
  })
  if (size !== undefined) await resize(size)
  killOnAbort(running, signal)
  if (tty) return running
  return {
    ...running,
    inputPipe: async (way) => openInputPipe(await pidOf(exec), mark, way),
  }
}

/** How often a command that has begun is asked for its number, which its engine notes a moment later. */
const PID_PAUSES_MS = [0, 2, 5, 10, 20, 50]

/** On the engine's machine; 0 where it tells none. */
async function pidOf(exec: Docker.Exec): Promise<number> {
  for (const pauseMs of PID_PAUSES_MS) {
    await sleep(pauseMs)
    const { Pid } = await askDocker('look at a command', (abortSignal) =>
      exec.inspect({ abortSignal }),
    )
    if (Pid > 0) return Pid
  }
  return 0
}

/** Starts `command` inside with nobody attached; resolves with its mark's value. */
export async function spawnIn(
  container: Docker.Container,
  command: readonly string[],
  options: SpawnOptions,
): Promise<string> {
  const mark = newExecMark()
  const exec = await askDocker('prepare a command', (abortSignal) =>
    container.exec({ ...placed(command, options, mark), abortSignal }),
  )
  try {
    await askDocker('start a command', (abortSignal) => exec.start({ Detach: true, abortSignal }))
  } catch (cause) {
    const refusal = startRefusal(engineWords((cause as Error).cause ?? cause), command, options)
    throw refusal === undefined ? cause : notStarted(refusal, cause)
  }
  return mark.value
}

/** The part of an exec's description that says what runs, where and as whom. */
function placed(
  command: readonly string[],
  { env = {}, workingDir, user }: SpawnOptions,
  mark: ExecMark,
) {
  const marked = { ...env, [mark.name]: mark.value }
  return {
    Cmd: [...command],
    Env: Object.entries(marked).map(([name, value]) => `${name}=${value}`),
    ...(workingDir === undefined ? {} : { WorkingDir: workingDir }),
    ...(user === undefined ? {} : { User: user }),
  }
}

function killOnAbort(exec: Exec, signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const onAbort = (): void => {
    exec.kill().catch((error) => exec.stdout.destroy(error))
  }
  const forget = (): void => signal.removeEventListener('abort', onAbort)
  exec.exitCode.then(forget, forget)
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort, { once: true })
}
