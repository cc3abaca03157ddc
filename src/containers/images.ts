import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { askDocker, isGone } from './docker-client.ts'
import type { ImageOptions } from './engine.ts'
import { busyboxRoot, findHostBusybox, type HostBusybox } from './host-busybox.ts'
import { pullImage } from './pull-image.ts'
import { tar } from './tar.ts'

/** The image of a local network: small, and made from the host's busybox where no registry can be reached. */
export const DEVNET_IMAGE = 'busybox:1.37'

/** How long the devnet waits for a registry before it makes the image itself. */
const DEVNET_PULL_MS = 30_000

export interface Images {
  /** As Engine.ensureImage. Calls for one image share one pull; a caller that leaves does not end it. */
  ensure(image: string, options?: ImageOptions): Promise<void>
}

type Listener = NonNullable<ImageOptions['onProgress']>
interface Fetch {
  readonly listeners: Set<Listener>
  readonly done: Promise<void>
}

/** The images of one engine; pulls end with `lifetime`. */
export function createImages(
  docker: Docker,
  lifetime: AbortSignal,
  hostBusybox = findHostBusybox,
): Images {
  const underway = new Map<string, Fetch>()
  const start = (image: string): Fetch => {
    const listeners = new Set<Listener>()
    const onProgress: Listener = (progress) => {
      for (const listener of listeners) listener(progress)
    }
    const done = fetchImage(docker, image, { signal: lifetime, onProgress }, hostBusybox).finally(
      () => underway.delete(image),
    )
    done.catch(() => undefined) // told to those who wait for it
    return { listeners, done }
  }
  return {
    async ensure(image, { signal, onProgress } = {}) {
      if (await hasImage(docker, image, signal)) return
      const fetch = underway.get(image) ?? start(image)
      underway.set(image, fetch)
      if (onProgress !== undefined) fetch.listeners.add(onProgress)
      try {
        await unlessAborted(fetch.done, signal)
      } finally {
        if (onProgress !== undefined) fetch.listeners.delete(onProgress)
      }
    },
  }
}

/** Waits for `work` no longer than `signal` allows; the work itself goes on. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/** Whether the engine has the image. */
export async function hasImage(
  docker: Docker,
  image: string,
  signal?: AbortSignal,
): Promise<boolean> {
  try {
    await askDocker(`look at image ${image}`, () => docker.getImage(image).inspect(), { signal })
    return true
  } catch (error) {
    if (isGone(error) || codeOf(error) === 'ENGINE_IMAGE') return false
    throw error
  }
}

async function fetchImage(
  docker: Docker,
  image: string,
  options: ImageOptions,
  hostBusybox: typeof findHostBusybox,
): Promise<void> {
  if (image !== DEVNET_IMAGE) {
    await pullImage(docker, image, options)
    return
  }
  try {
    await pullImage(docker, image, {
      ...options,
      timeoutMs: DEVNET_PULL_MS,
      stallMs: DEVNET_PULL_MS / 2,
    })
  } catch (cause) {
    options.signal?.throwIfAborted()
    const busybox = await hostBusybox()
    if (busybox === undefined) {
      throw new NodeError(
        'ENGINE_IMAGE',
        `${messageOf(cause)}; and this machine has no static busybox to make it from`,
        {
          cause,
          next: 'apt-get install busybox-static',
        },
      )
    }
    await importBusybox(docker, image, busybox, options)
  }
}

/** Makes `image` from the host's busybox. */
export async function importBusybox(
  docker: Docker,
  image: string,
  busybox: HostBusybox,
  options: ImageOptions = {},
): Promise<void> {
  const archive = tar(busyboxRoot(busybox))
  const [repo, tag] = image.split(':')
  await askDocker(
    `import ${image}`,
    async (abortSignal) => {
      const stream = await docker.importImage(Readable.from([archive]), {
        repo,
        tag,
        changes: ['CMD ["sh"]', 'ENV PATH=/bin'],
        abortSignal,
      })
      let answer = ''
      for await (const chunk of stream) answer += String(chunk)
      if (answer.includes('"error"'))
        throw new NodeError('ENGINE_IMAGE', `cannot import ${image}: ${answer.trim()}`)
    },
    { signal: options.signal },
  )
  options.onProgress?.({
    image,
    step: `made from ${busybox.path}`,
    doneBytes: archive.length,
    totalBytes: archive.length,
  })
}
