import type Docker from 'dockerode'
import { deadline, sleep } from '../clock.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { CommandState } from './attached-command.ts'
import { askDocker, isEnded, isGone } from './docker-client.ts'
import type { ContainerEnd, ExecSignal } from './engine.ts'

/** How long the engine may take to remove a container. */
const REMOVAL_MS = 30_000
/** A wait on an engine that was killed would never settle, so it is asked anew this often. */
const WAIT_ROUND_MS = 30_000
const UNKNOWN_PAUSE_MS = 1_000

/** A signal from outside ends a process within this, or did not end it: `docker stop` gives ten seconds. */
const SIGNAL_MS = 30_000
/** A busy engine hears of an exit before it hears that memory was why. */
const OOM_TOLD_MS = 1_000
/** How many events an engine remembers, of all its containers together (moby: daemon/events, `eventsLimit`). */
const EVENTS_KEPT = 256
const EVENTS_BYTES = 1024 * 1024
/** 128 + SIGKILL. */
const KILLED = 137

const isCode = (error: unknown, code: string): boolean => codeOf(error) === code

/** Resolves with the main process's exit code, however often the engine goes away meanwhile. ENGINE_GONE when it was removed. */
export async function waitForEnd(
  container: Docker.Container,
  mainState: () => Promise<CommandState>,
  signal: AbortSignal | undefined,
): Promise<{ exitCode: number }> {
  for (;;) {
    try {
      await waitOneRound(container, signal)
      const { running, exitCode } = await mainState()
      if (!running && exitCode !== null) return { exitCode }
    } catch (error) {
      signal?.throwIfAborted()
      if (!isCode(error, 'ENGINE_UNKNOWN')) throw error
      await sleep(UNKNOWN_PAUSE_MS, signal)
    }
  }
}

async function waitOneRound(
  container: Docker.Container,
  signal: AbortSignal | undefined,
): Promise<void> {
  using round = deadline(signal, WAIT_ROUND_MS)
  try {
    await askDocker('wait for the container', (abortSignal) => container.wait({ abortSignal }), {
      signal: round.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
    })
  } catch (error) {
    if (!round.expired) throw error
  }
}

/**
 * How the main process ended; undefined while it runs, and when nobody can tell. The engine's memory of events tells who
 * ended it, also where it took a signal well and exited with a code of its own.
 */
export async function howItEnded(docker: Docker, id: string): Promise<ContainerEnd | undefined> {
  const end = await howItLooks(docker, id)
  if (end?.exitCode !== KILLED || end.cause !== 'exited') return end
  await sleep(OOM_TOLD_MS)
  return howItLooks(docker, id)
}

async function howItLooks(docker: Docker, id: string): Promise<ContainerEnd | undefined> {
  const { State } = await askDocker('look at the container', (abortSignal) =>
    docker.getContainer(id).inspect({ abortSignal }),
  )
  if (!['exited', 'dead', 'removing'].includes(State.Status)) return undefined
  const { ExitCode: exitCode, OOMKilled } = State
  if (OOMKilled && exitCode === KILLED) return { exitCode, cause: 'out-of-memory' }
  const remembered = await eventsOf(docker)
  const own = remembered.filter(({ Actor }) => Actor.ID === id)
  const died = own.findLast(({ Action }) => Action === 'die')
  if (died === undefined) return ofUnseen(exitCode, remembered.length)
  const isOutside = own.some(
    ({ Action, timeNano }) =>
      Action === 'kill' && Math.abs(died.timeNano - timeNano) < SIGNAL_MS * 1e6,
  )
  return { exitCode, cause: isOutside ? 'host' : 'exited' }
}

/**
 * Of an end that the engine does not remember: it was down, or much has happened since, which a tenant can bring about.
 * What exited with a code of its own may have done so long before the engine went.
 */
function ofUnseen(exitCode: number, remembered: number): ContainerEnd | undefined {
  return exitCode >= 128 && remembered < EVENTS_KEPT ? { exitCode, cause: 'engine' } : undefined
}

interface EngineEvent {
  readonly Action: string
  readonly Actor: { readonly ID: string }
  readonly timeNano: number
}

/** All that it remembers. */
async function eventsOf(docker: Docker): Promise<EngineEvent[]> {
  const stream = await askDocker('read its events', (abortSignal) =>
    docker.getEvents({
      since: 1, // 0 means: none of the past
      until: Math.ceil(Date.now() / 1000),
      abortSignal,
    }),
  )
  let text = ''
  for await (const chunk of stream) {
    text += String(chunk)
    if (text.length > EVENTS_BYTES) break
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => JSON.parse(line) as EngineEvent)
}

/** Ends the main process: SIGTERM, then SIGKILL after the grace. No error when it has ended or is gone. */
export async function stop(container: Docker.Container, graceMs: number): Promise<void> {
  const graceSeconds = Math.ceil(graceMs / 1000)
  await unlessEnded(() =>
    askDocker(
      'stop the container',
      (abortSignal) => container.stop({ t: graceSeconds, abortSignal }),
      {
        timeoutMs: graceMs + REMOVAL_MS,
      },
    ),
  )
}

/** Signals the main process; SIGKILL ends everything in the container. */
export async function killMain(container: Docker.Container, signal: ExecSignal): Promise<void> {
  await unlessEnded(() =>
    askDocker('signal the container', (abortSignal) => container.kill({ signal, abortSignal })),
  )
}

/** Removes the container with all that runs in it, and resolves when it is gone. */
export async function removeNow(container: Docker.Container): Promise<void> {
  try {
    await askDocker('remove the container', (abortSignal) =>
      container.remove({ force: true, v: true, abortSignal }),
    )
  } catch (error) {
    if (isGone(error)) return
    if (!isCode(error, 'ENGINE_CONFLICT')) throw error
    await waitUntilGone(container) // somebody else is removing it
  }
}

async function waitUntilGone(container: Docker.Container): Promise<void> {
  using limit = deadline(undefined, REMOVAL_MS)
  for (;;) {
    try {
      await askDocker('look at the container', (abortSignal) => container.inspect({ abortSignal }))
    } catch (error) {
      if (isGone(error)) return
      throw error
    }
    if (limit.expired) {
      throw new NodeError(
        'ENGINE_FAILED',
        `Docker does not get container ${container.id} removed`,
        {
          next: `docker rm --force ${container.id}`,
        },
      )
    }
    await sleep(100)
  }
}

/** "Not running", "gone" and "stopped already" are what was asked for. */
async function unlessEnded(ask: () => Promise<unknown>): Promise<void> {
  try {
    await ask()
  } catch (error) {
    const stopped = error instanceof NodeError && error.details['status'] === 304
    if (!stopped && !isEnded(error)) throw error
  }
}
