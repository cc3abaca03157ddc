import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import type { AuthConfig } from 'dockerode'
import { deadline, sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { dockerError, engineWords } from './docker-client.ts'
import type { ImageProgress } from './engine.ts'
import type { RegistryLogin } from './registry-login.ts'

/** Why an image cannot be had; `details.reason` of an ENGINE_IMAGE error. */
export type ImageFault =
  | 'not-found'
  | 'denied'
  | 'unreachable'
  | 'corrupt'
  | 'stalled'
  | 'no-space'
  | 'too-large'
  | 'other'

const FAULTS: readonly (readonly [RegExp, ImageFault, string])[] = [
  [/no space left/i, 'no-space', 'free disk space: docker system df, docker image prune'],
  [
    /unauthorized|denied|authentication required|no basic auth/i,
    'denied',
    'check its name; for a private image, log in: rent --registry-auth FILE',
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
    'check network and DNS of the machine that pulls, or load the image there by hand: docker load',
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
  /** How long all tries together may take. */
  readonly timeoutMs?: number
  /** Given up as soon as the layers that are known come to more, before they are here. */
  readonly maxBytes?: number | undefined
  readonly login?: RegistryLogin | undefined
  /** What else ends it, looked at now and then, e.g. that the disk is nearly full. */
  readonly check?: (() => Promise<NodeError | undefined>) | undefined
  /** How long it rests before it tries again what may pass: broken transfers, registries that are not reached. */
  readonly pausesMs?: readonly number[]
}

const PAUSES_MS = [1000, 4000]
const MAY_PASS: readonly unknown[] = ['unreachable', 'corrupt', 'stalled'] satisfies ImageFault[]
const CHECK_EVERY_MS = 1000

interface PullEvent {
  readonly status?: string
  readonly id?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number; readonly total?: number }
}

/**
 * Pulls an image, again after what may pass. ENGINE_IMAGE says whether it is missing, private, damaged, unreachable,
 * stalled or too large.
 */
export async function pullImage(
  docker: Docker,
  image: string,
  options: PullOptions = {},
): Promise<void> {
  const { signal, timeoutMs = 3_600_000, pausesMs = PAUSES_MS } = options
  using limit = deadline(signal, timeoutMs)
  for (const pauseMs of [...pausesMs, undefined]) {
    try {
      return await pullOnce(docker, image, { ...options, signal: limit.signal })
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      if (limit.expired) throw stalledError(image, timeoutMs, error)
      const passes = error instanceof NodeError && MAY_PASS.includes(error.details['reason'])
      if (!passes || pauseMs === undefined) throw error
      options.onProgress?.({ image, step: 'trying again', doneBytes: 0, totalBytes: 0 })
      await sleep(pauseMs, signal)
    }
  }
}

async function pullOnce(docker: Docker, image: string, options: PullOptions): Promise<void> {
  const { signal, onProgress, stallMs = 90_000, maxBytes, login, check } = options
  const ended = new AbortController()
  const end = (reason?: unknown): void => ended.abort(reason)
  const onAbort = (): void => end(signal?.reason)
  let timer = setTimeout(end, stallMs)
  signal?.addEventListener('abort', onAbort, { once: true })
  void endWhen(check, ended)
  const layers = createLayerSizes()
  try {
    const authconfig = login === undefined ? {} : { authconfig: { ...login } as AuthConfig }
    const stream = await docker.pull(image, { ...authconfig, abortSignal: ended.signal })
    for await (const event of events(stream as Readable, ended.signal)) {
      clearTimeout(timer)
      timer = setTimeout(end, stallMs)
      // Errors come inside the stream, after a 200.
      if (event.error !== undefined) throw imageError(image, event.error)
      if (layers.add(event) > (maxBytes ?? Number.POSITIVE_INFINITY)) {
        throw tooLarge(image, layers.bytes(), maxBytes!)
      }
      onProgress?.(progressOf(image, event))
    }
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason
    if (cause instanceof NodeError) throw cause
    if (ended.signal.reason instanceof NodeError) throw ended.signal.reason
    if (ended.signal.aborted) throw stalledError(image, stallMs, cause)
    const error = dockerError(`pull ${image}`, cause)
    throw error.code === 'ENGINE_UNKNOWN' ? error : imageError(image, engineWords(cause), cause)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
    end() // also the engine's side of a pull that is given up
  }
}

/** Ends the pull when `check` finds a reason to. */
async function endWhen(check: PullOptions['check'], ended: AbortController): Promise<void> {
  while (check !== undefined && !ended.signal.aborted) {
    const fault = await check()
    if (fault !== undefined) ended.abort(fault)
    await sleep(CHECK_EVERY_MS, ended.signal).catch(() => undefined) // the pull has ended
  }
}

/** Adds up what the engine says of layers; they become known one after the other, as their transfers start. */
function createLayerSizes() {
  const sizes = new Map<string, number>()
  const bytes = (): number => [...sizes.values()].reduce((sum, size) => sum + size, 0)
  return {
    bytes,
    add({ id, status, progressDetail }: PullEvent): number {
      const total = progressDetail?.total ?? 0
      if (id !== undefined && status === 'Downloading' && total > 0) sizes.set(id, total)
      return bytes()
    },
  }
}

/** The error of an image above its owner's limit. */
export const tooLarge = (image: string, bytes: number, maxBytes: number): NodeError =>
  new NodeError(
    'ENGINE_IMAGE',
    `${image} has ${Math.ceil(bytes / MiB)} MiB or more; this miner takes ${Math.floor(maxBytes / MiB)} MiB`,
    {
      reason: 'too-large' satisfies ImageFault,
      next: 'use a smaller image, or an offer of another miner',
    },
  )

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
  const layer = event.id === undefined ? {} : { layer: event.id }
  return { image, ...layer, step, doneBytes: current, totalBytes: total }
}
