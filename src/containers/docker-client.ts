import Docker from 'dockerode'
import { deadline } from '../clock.ts'
import { type ErrorCode, messageOf, NodeError } from '../errors.ts'
import { type DockerAddress, dockerAddress } from './docker-address.ts'
import { readDockerTls } from './docker-tls.ts'

const CALL_TIMEOUT_MS = 30_000

/** A client of the engine that DOCKER_HOST names (else the usual sockets). BAD_CONFIG_ENGINE when it is not an address. */
export function createDockerClient(): Docker {
  try {
    // No `version`: engines of 2020 end at API 1.41, those of 2026 begin at 1.44; unversioned calls work with both.
    return new Docker()
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_ENGINE', `DOCKER_HOST is not usable: ${messageOf(cause)}`, {
      cause,
      next: 'set DOCKER_HOST to e.g. unix:///var/run/docker.sock, or unset it',
    })
  }
}

/**
 * A client of an engine that its owner named, whatever DOCKER_HOST says. No answer is asked for yet.
 * @throws as readDockerTls
 */
export async function dockerClientOf({ url, tls }: DockerAddress): Promise<Docker> {
  // What is left undefined here would be taken from DOCKER_HOST.
  const none = { socketPath: undefined, host: undefined, port: undefined, pathPrefix: undefined }
  if (tls === undefined) {
    return new Docker({ ...none, protocol: 'http', socketPath: url.slice('unix://'.length) })
  }
  const { hostname, port } = new URL(url)
  const files = await readDockerTls(tls)
  // A name in brackets is what URLs make of IPv6.
  const host = hostname.replace(/^\[|\]$/g, '')
  return new Docker({ ...none, protocol: 'https', host, port, ...files })
}

const statusOf = (error: unknown): number | undefined => {
  const { statusCode } = error as { statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : undefined
}

/** True when the engine itself answered that there is no such thing. */
export const isGone = (error: unknown): boolean => codeIs(error, 'ENGINE_GONE')

/** True when the engine answered that there is no such thing, or that it does not run (any more). */
export const isEnded = (error: unknown): boolean =>
  isGone(error) || codeIs(error, 'ENGINE_CONFLICT')

const codeIs = (error: unknown, code: ErrorCode): boolean =>
  error instanceof NodeError && error.code === code

/** The engine's own words: docker-modem wraps them in "(HTTP code 500) server error - … ". */
export const engineWords = (error: unknown): string =>
  messageOf(error)
    .replace(/^\(HTTP code \d+\) [^-]* - /, '')
    .trim()

/** Where a connection failed, as the system says it. */
function placeIn(error: unknown): string | undefined {
  const { address, port } = (error ?? {}) as { address?: unknown; port?: unknown }
  if (typeof address !== 'string') return undefined
  return typeof port === 'number' ? `tcp://${address}:${port}` : `unix://${address}`
}

/** Says whose fault a failed call was. No status code means that no answer came: the outcome is unknown. */
export function dockerError(doing: string, cause: unknown): NodeError {
  if (cause instanceof NodeError) return cause
  const status = statusOf(cause)
  const text = engineWords(cause)
  if (status === undefined) {
    return new NodeError('ENGINE_UNKNOWN', `Docker did not answer (${doing}): ${text}`, {
      cause,
      next: `check that the Docker Engine at ${placeIn(cause) ?? dockerAddress()} runs: docker version`,
    })
  }
  if (/could not select device driver|nvidia-container|libnvidia|CDI device/i.test(text)) {
    return new NodeError('ENGINE_GPU', `Docker cannot hand out a GPU: ${text}`, {
      cause,
      next: 'install nvidia-container-toolkit, run `nvidia-ctk runtime configure`, restart Docker',
    })
  }
  if (status === 404 && /no such image/i.test(text)) {
    return new NodeError('ENGINE_IMAGE', text, { cause, next: 'pull the image first' })
  }
  const code = status === 404 ? 'ENGINE_GONE' : status === 409 ? 'ENGINE_CONFLICT' : 'ENGINE_FAILED'
  return new NodeError(code, `Docker refused (${doing}): ${text}`, { cause, status })
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  /** Infinity for calls that wait for something to happen. */
  readonly timeoutMs?: number
}

/** One call of the engine's API, bounded in time, its failure translated by `dockerError`. */
export async function askDocker<T>(
  doing: string,
  call: (abortSignal: AbortSignal) => Promise<T>,
  { signal, timeoutMs = CALL_TIMEOUT_MS }: AskOptions = {},
): Promise<T> {
  using limit = deadline(signal, Math.min(timeoutMs, 2 ** 31 - 1))
  const overdue = Promise.withResolvers<never>()
  // Not every call of the client honours a signal, so the limit is also enforced here.
  limit.signal.addEventListener('abort', () => overdue.reject(limit.signal.reason), { once: true })
  try {
    return await Promise.race([call(limit.signal), overdue.promise])
  } catch (cause) {
    if (signal?.aborted === true) throw signal.reason
    throw dockerError(doing, limit.expired ? limit.signal.reason : cause)
  }
}
