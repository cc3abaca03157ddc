import type Docker from 'dockerode'
import { deadline, sleep } from '../clock.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { CommandState } from './attached-command.ts'
import { askDocker, isEnded, isGone } from './docker-client.ts'
import type { ExecSignal } from './engine.ts'

/** How long the engine may take to remove a container. */
const REMOVAL_MS = 30_000
/** A wait on an engine that was killed would never settle, so it is asked anew this often. */
const WAIT_ROUND_MS = 30_000
const UNKNOWN_PAUSE_MS = 1_000

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
