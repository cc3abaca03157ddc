import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { sleep } from '../clock.ts'
import { askDocker } from './docker-client.ts'

/** An engine that went away is asked again. */
const RETRY_MS = 1_000

/**
 * Yields each time that the kernel killed a process of a container for want of memory, whether or not that was the main
 * one: the engine tells what the container's cgroup counts (`oom_kill` of memory.events). Ends when `signal` aborts; what
 * happens while no engine answers is told by the engine's memory of events when it is back, if it is the same.
 */
export async function* outOfMemory(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  let since = Math.floor(Date.now() / 1000)
  let lastNano = 0
  while (!signal.aborted) {
    try {
      for await (const { timeNano } of oomEvents(docker, id, since, signal)) {
        if (timeNano <= lastNano) continue // told before the stream broke
        lastNano = timeNano
        since = Math.floor(timeNano / 1e9)
        yield
      }
    } catch (error) {
      if (signal.aborted) return
      if (!isEngineError(error)) throw error
    }
    await sleep(RETRY_MS, signal).catch(() => undefined) // aborted: the loop ends
  }
}

const isEngineError = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code !== undefined

async function* oomEvents(docker: Docker, id: string, since: number, signal: AbortSignal) {
  const filters = { container: [id], event: ['oom'] }
  const stream = (await askDocker('follow its events', (abortSignal) =>
    docker.getEvents({ since, filters, abortSignal }),
  )) as Readable
  const end = (): void => void stream.destroy()
  signal.addEventListener('abort', end, { once: true })
  try {
    let text = ''
    for await (const chunk of stream) {
      const lines = (text + String(chunk)).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line.trim() !== '') yield JSON.parse(line) as { readonly timeNano: number }
      }
    }
  } finally {
    signal.removeEventListener('abort', end)
    stream.destroy()
  }
}
