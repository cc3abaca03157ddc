import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { askDocker, isEnded, isGone } from './docker-client.ts'
import type { ImageOptions } from './engine.ts'
import { busyboxRoot, findHostBusybox, type HostBusybox } from './host-busybox.ts'
import { fullImageName, parseImageName } from './image-name.ts'
import {
  ANY_IMAGE,
  checkImageName,
  checkRegistry,
  type ImageRules,
  isNamed,
} from './image-policy.ts'
import { type PullOptions, pullImage, tooLarge } from './pull-image.ts'
import { readCredentials } from './registry-login.ts'
import { tar } from './tar.ts'

/** The image of a local network: small, and made from the host's busybox where no registry can be reached. */
export const DEVNET_IMAGE = 'busybox:1.37'

/** How long the devnet waits for a registry before it makes the image itself. */
const DEVNET_PULL_MS = 30_000

export interface Images {
  /** As Engine.ensureImage. Calls for one image share one pull; it ends when the last caller leaves. */
  ensure(image: string, options?: ImageOptions): Promise<void>
  /** As Engine.checkImage. */
  check(image: string): void
}

export interface ImagesOptions {
  readonly rules?: ImageRules
  /** Why nothing more should be written to the disk now, if so. */
  readonly checkDisk?: () => Promise<NodeError | undefined>
  readonly hostBusybox?: typeof findHostBusybox
}

type Listener = NonNullable<ImageOptions['onProgress']>
interface Fetch {
  readonly listeners: Set<Listener>
  /** How many wait for it; when the last one leaves, it ends. */
  waiting: number
  readonly left: AbortController
  readonly done: Promise<void>
}

/** The images of one engine; pulls end with `lifetime`. */
export function createImages(
  docker: Docker,
  lifetime: AbortSignal,
  { rules = ANY_IMAGE, checkDisk, hostBusybox = findHostBusybox }: ImagesOptions = {},
): Images {
  const underway = new Map<string, Fetch>()
  /** What its registry gave this program without a login: anybody may use it again. */
  const publicImages = new Set<string>()
  const limits = { maxBytes: rules.maxBytes, check: checkDisk }

  const start = (image: string): Fetch => {
    const listeners = new Set<Listener>()
    const onProgress: Listener = (progress) => {
      for (const listener of listeners) listener(progress)
    }
    const left = new AbortController()
    const signal = AbortSignal.any([lifetime, left.signal])
    const options = { ...limits, signal, onProgress }
    const done = fetchImage(docker, image, options, hostBusybox)
      .then(() => void publicImages.add(image))
      .finally(() => {
        if (underway.get(image) === fetch) underway.delete(image)
      })
    done.catch(() => undefined) // told to those who wait for it
    const fetch: Fetch = { listeners, done, left, waiting: 0 }
    return fetch
  }
  const leave = (image: string, fetch: Fetch): void => {
    if (underway.get(image) === fetch) underway.delete(image)
    fetch.left.abort(new NodeError('ENGINE_IMAGE', `nobody waits for ${image} any more`))
  }

  async function share(image: string, { signal, onProgress }: ImageOptions): Promise<void> {
    const fetch = underway.get(image) ?? start(image)
    underway.set(image, fetch)
    fetch.waiting += 1
    if (onProgress !== undefined) fetch.listeners.add(onProgress)
    try {
      await unlessAborted(fetch.done, signal)
    } finally {
      if (onProgress !== undefined) fetch.listeners.delete(onProgress)
      fetch.waiting -= 1
      if (fetch.waiting === 0) leave(image, fetch)
    }
  }

  /** With a login, for one caller alone. */
  async function pullPrivate(image: string, options: ImageOptions, credentials: Uint8Array) {
    const { signal, onProgress } = options
    const { login, canonical } = { login: readCredentials(credentials), canonical: fullName(image) }
    await pullImage(docker, canonical, { ...limits, login, signal, onProgress })
    publicImages.delete(image)
  }

  const usable = (image: string): boolean =>
    publicImages.has(image) || rules.trustLocal || isNamed(rules, parseImageName(image))

  return {
    check: (image) => void checkImageName(rules, image),
    async ensure(image, options = {}) {
      const { credentials, signal } = options
      checkImageName(rules, image)
      if (credentials === undefined && usable(image) && (await hasImage(docker, image, signal))) {
        return requireSize(docker, image, rules.maxBytes)
      }
      await checkRegistry(rules, image)
      if (credentials === undefined) await share(image, options)
      else await pullPrivate(image, options, credentials)
      await requireSize(docker, image, rules.maxBytes)
    },
  }
}

/** The name that engines are asked by: it can be no image's id. */
export const fullName = (image: string): string => fullImageName(parseImageName(image))

/** An image that proves too large once it is unpacked is removed again, unless a container uses it. */
async function requireSize(
  docker: Docker,
  image: string,
  maxBytes: number | undefined,
): Promise<void> {
  if (maxBytes === undefined) return
  const found = docker.getImage(fullName(image))
  const { Size } = await askDocker(`look at image ${image}`, () => found.inspect())
  if (Size <= maxBytes) return
  await removeImage(docker, fullName(image))
  throw tooLarge(image, Size, maxBytes)
}

/** Removes an image or, while containers use it, its name alone. */
export async function removeImage(docker: Docker, image: string): Promise<void> {
  try {
    await askDocker(`remove image ${image}`, (abortSignal) =>
      docker.getImage(image).remove({ force: true, abortSignal }),
    )
  } catch (error) {
    // Gone already, or in use by a container of somebody else: then it stays.
    if (!isEnded(error) && codeOf(error) !== 'ENGINE_IMAGE') throw error
  }
}

/** Removes an image by its id unless it has a name or a container uses it. */
export async function removeNameless(docker: Docker, id: string): Promise<void> {
  try {
    const image = docker.getImage(id)
    const { RepoTags } = await askDocker('look at an image', () => image.inspect())
    if ((RepoTags ?? []).length > 0) return
    await askDocker('remove an image', (abortSignal) => image.remove({ abortSignal }))
  } catch (error) {
    if (!isEnded(error) && codeOf(error) !== 'ENGINE_IMAGE') throw error
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
    const found = docker.getImage(fullName(image))
    await askDocker(`look at image ${image}`, () => found.inspect(), { signal })
    return true
  } catch (error) {
    if (isGone(error) || codeOf(error) === 'ENGINE_IMAGE') return false
    throw error
  }
}

async function fetchImage(
  docker: Docker,
  image: string,
  options: PullOptions,
  hostBusybox: typeof findHostBusybox,
): Promise<void> {
  if (image !== DEVNET_IMAGE) {
    await pullImage(docker, fullName(image), options)
    return
  }
  try {
    await pullImage(docker, fullName(image), {
      ...options,
      pausesMs: [],
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
  options: Pick<PullOptions, 'signal' | 'onProgress'> = {},
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
