import type Docker from 'dockerode'
import { askDocker, isEnded } from './docker-client.ts'

/** Freezes every process of a container. Pausing a paused one changes nothing; ENGINE_CONFLICT when it does not run. */
export async function pauseAll(container: Docker.Container): Promise<void> {
  if (await isPaused(container)) return
  await askDocker('pause the container', (abortSignal) => container.pause({ abortSignal }))
}

/** Lets them go on. No error when it is not paused, has ended or is gone. */
export async function resumeAll(container: Docker.Container): Promise<void> {
  try {
    if (!(await isPaused(container))) return
    await askDocker('resume the container', (abortSignal) => container.unpause({ abortSignal }))
  } catch (error) {
    if (!isEnded(error)) throw error
  }
}

async function isPaused(container: Docker.Container): Promise<boolean> {
  const { State } = await askDocker('look at the container', (abortSignal) =>
    container.inspect({ abortSignal }),
  )
  return State.Paused
}
