import type { Told } from '../ui/fault.ts'

/** A failure of the node, with the words that the node has for it; `AWAY` when it does not answer at all. */
export class ApiError extends Error implements Told {
  override readonly name = 'ApiError'
  readonly code: string
  readonly status: number
  readonly next: string | undefined
  /** Character of a query that it is about, from 0. */
  readonly position: number | undefined

  constructor(problem: Told & { readonly position?: number | undefined }, status: number) {
    super(problem.message)
    this.code = problem.code
    this.status = status
    this.next = problem.next
    this.position = problem.position
  }
}

const away: Told = {
  code: 'AWAY',
  message: 'The node does not answer',
  next: 'this page goes on by itself once it is back; start it with compute-node, or run compute-node ui again',
}

/** Asks the node that this page came from; throws ApiError. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await ask('GET', path, undefined, signal)) as T
}

/** Sends to the node; with an idempotency key, what was asked for under it before is not done again. */
export async function post<T>(
  path: string,
  body: unknown = {},
  key?: string,
  signal?: AbortSignal,
): Promise<T> {
  return (await ask('POST', path, body, signal, key)) as T
}

/** Changes some of what the node keeps under a path; answers with all of it. */
export async function patch<T>(path: string, body: unknown): Promise<T> {
  return (await ask('PATCH', path, body)) as T
}

async function ask(
  method: string,
  path: string,
  body: unknown,
  signal?: AbortSignal,
  key?: string,
): Promise<unknown> {
  const response = await fetch(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
  }).catch((error: unknown) => {
    throw signal?.aborted ? error : new ApiError(away, 0)
  })
  const value = await read(response)
  if (response.ok) return value
  throw new ApiError(problemOf(value, response.status), response.status)
}

async function read(response: Response): Promise<unknown> {
  try {
    const text = await response.text()
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return undefined // cut off, or not from the node: the status tells
  }
}

function problemOf(value: unknown, status: number): Told & { readonly position?: number } {
  const { code, message, next, details } = (value ?? {}) as Partial<Problem>
  if (typeof code !== 'string' || typeof message !== 'string') {
    return status >= 502 ? away : { code: 'FAILED', message: `the node answered ${status}` }
  }
  return {
    code,
    message,
    next,
    ...(typeof details?.position === 'number' ? { position: details.position } : {}),
  }
}

interface Problem extends Told {
  readonly details?: { readonly position?: unknown }
}

/** Anything thrown, as an error that can be shown. */
export const toldOf = (error: unknown): Told =>
  error instanceof ApiError
    ? error
    : { code: 'FAILED', message: error instanceof Error ? error.message : String(error) }
