import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { deadline } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import { dockerError } from './docker-client.ts'
import type { ImageProgress } from './engine.ts'

/** Why an image cannot be had; `details.reason` of an ENGINE_IMAGE error. */
export type ImageFault =
  | 'not-found'
  | 'denied'
  | 'unreachable'
  | 'corrupt'
  | 'stalled'
  | 'no-space'
  | 'other'

const FAULTS: readonly (readonly [RegExp, ImageFault, string])[] = [
  [/no space left/i, 'no-space', 'free disk space: docker system df, docker image prune'],
  [
    /unauthorized|denied|authentication required|no basic auth/i,
    'denied',
    'use a public image, or check its name',
  ],
  [
    /manifest unknown|not found|does not exist|invalid reference/i,
    'not-found',
    'check the name and the tag',
  ],
  [
    /verification failed|invalid checksum|unexpected EOF|corrupt|digest/i,
    'corrupt',
    'pull it again later: what the registry sent is damaged',
  ],
  [
    /no such host|dial tcp|lookup |timeout|timed out|connection refused|TLS|certificate|network is/i,
    'unreachable',
    "check this machine's network and DNS, or load the image by hand: docker load",
  ],
]

/** What the engine's words about a failed pull mean, and the next step. */
export function explainPull(text: string): { readonly reason: ImageFault; readonly next: string } {
  const found = FAULTS.find(([pattern]) => pattern.test(text))
  if (found === undefined)
    return { reason: 'other', next: 'try `docker pull` by hand and read what it says' }
  return { reason: found[1], next: found[2] }
}

export const imageError = (image: string, text: string, cause?: unknown): NodeError => {
  const { reason, next } = explainPull(text)
  return new NodeError('ENGINE_IMAGE', `cannot pull ${image}: ${text}`, { cause, next, reason })
}

export interface PullOptions {
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: ImageProgress) => void) | undefined
  /** Without news for this long the pull is given up: the engine itself retries a broken transfer for minutes. */
  readonly stallMs?: number
  readonly timeoutMs?: number
}

interface PullEvent {
  readonly status?: string
  readonly id?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

/** Pulls an image; ENGINE_IMAGE says whether it is missing, private, damaged, unreachable or stalled. */
export async function pullImage(
  docker: Docker,
  image: string,
  options: PullOptions = {},
): Promise<void> {
  const { signal, onProgress, stallMs = 90_000, timeoutMs = 3_600_000 } = options
  using limit = deadline(signal, timeoutMs)
  const stalled = new AbortController()
  let timer = setTimeout(() => stalled.abort(), stallMs)
  const end = (): void => stalled.abort()
  limit.signal.addEventListener('abort', end, { once: true })
  try {
    const stream = await docker.pull(image, { abortSignal: stalled.signal })
    for await (const event of events(stream as Readable, stalled.signal)) {
      clearTimeout(timer)
      timer = setTimeout(end, stallMs)
      // Errors come inside the stream, after a 200.
      if (event.error !== undefined) throw imageError(image, event.error)
      onProgress?.(progressOf(image, event))
    }
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason
    if (cause instanceof NodeError) throw cause
    if (stalled.signal.aborted)
      throw stalledError(image, limit.expired ? timeoutMs : stallMs, cause)
    const error = dockerError(`pull ${image}`, cause)
    throw error.code === 'ENGINE_UNKNOWN' ? error : imageError(image, messageOf(error), cause)
  } finally {
    clearTimeout(timer)
    limit.signal.removeEventListener('abort', end)
  }
}

const stalledError = (image: string, afterMs: number, cause: unknown): NodeError =>
  new NodeError('ENGINE_IMAGE', `pulling ${image} stalled: given up after ${afterMs / 1000} s`, {
    cause,
    reason: 'stalled' satisfies ImageFault,
    next: "check this machine's network; what came so far is kept, so try again",
  })

async function* events(stream: Readable, signal: AbortSignal): AsyncGenerator<PullEvent> {
  const stop = (): void => void stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  let text = ''
  try {
    for await (const chunk of stream) {
      const lines = (text + chunk.toString('utf8')).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as PullEvent
    }
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function progressOf(image: string, event: PullEvent): ImageProgress {
  const { current = 0, total = 0 } = event.progressDetail ?? {}
  const step = [event.id, event.status?.toLowerCase()]
    .filter((part) => part !== undefined)
    .join(': ')
  return { image, step, doneBytes: current, totalBytes: total }
}
