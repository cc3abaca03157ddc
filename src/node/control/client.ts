import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import type { NodeEvent } from '../events.ts'
import { toJson } from '../output.ts'
import { FRAMES_PROTOCOL, frameSocket } from './frame-socket.ts'
import { errorOf } from './problem.ts'

/** A running node, as commands see it. Failures arrive as the NodeError that the node threw. */
export interface ControlClient extends Disposable {
  get<T>(path: string, signal?: AbortSignal): Promise<T>
  /** What a path answers that is no JSON, e.g. `/metrics`. */
  text(path: string, signal?: AbortSignal): Promise<string>
  /** With an idempotency key, what was asked for under it before is not done again. */
  post<T>(path: string, body?: unknown, signal?: AbortSignal, key?: string): Promise<T>
  patch<T>(path: string, body: unknown, signal?: AbortSignal): Promise<T>
  /** Keeps a node that was started for one command alive until disposed; throws FAILED_NOT_RUNNING. */
  hold(): Promise<Disposable>
  /** What happens in the node, recent events first; ends when `signal` aborts or the node stops. */
  events(signal: AbortSignal): AsyncIterable<NodeEvent>
  /**
   * The events called `name` of a path that answers with them, until the signal aborts; rejects with the node's refusal,
   * and the iteration with what ended them.
   */
  items<T>(path: string, name: string, signal: AbortSignal): Promise<AsyncIterable<T>>
  /**
   * An open WebSocket, paused: attach listeners, then `resume()` (`createWebSocketStream` does so itself). Rejects with
   * the node's refusal before any byte flows.
   */
  webSocket(path: string): Promise<WebSocket>
  /** An open connection that carries frames, for bulk; rejects like `webSocket`. */
  frames(path: string): Promise<FrameChannel>
}

/** Speaks to the node behind a control socket; throws FAILED_NOT_RUNNING when none answers there. */
export function createControlClient(socketPath: string): ControlClient {
  const agent = new Agent({ keepAlive: true })
  const send = (
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    key?: string,
  ) => {
    const own = signal === undefined ? {} : { signal }
    return ask({ method, path, socketPath, agent, key, ...own }, body)
  }
  return {
    get: async <T>(path: string, signal?: AbortSignal) =>
      (await readJson(await send('GET', path, undefined, signal))) as T,
    text: async (path, signal) => readText(await send('GET', path, undefined, signal)),
    post: async <T>(path: string, body: unknown = {}, signal?: AbortSignal, key?: string) =>
      (await readJson(await send('POST', path, body, signal, key))) as T,
    patch: async <T>(path: string, body: unknown, signal?: AbortSignal) =>
      (await readJson(await send('PATCH', path, body, signal))) as T,
    async hold() {
      const response = await send('GET', '/v1/hold')
      response.on('error', () => response.destroy()) // the node stopped: the next request says so
      response.resume()
      return { [Symbol.dispose]: () => void response.destroy() }
    },
    events: (signal) => readEvents(() => send('GET', '/v1/events', undefined, signal), signal),
    async items<T>(path: string, name: string, signal: AbortSignal) {
      const response = await send('GET', path, undefined, signal)
      if ((response.statusCode ?? 500) >= 400) await readJson(response)
      return readItems<T>(response, name, signal)
    },
    webSocket: (path) => openSocket(socketPath, path),
    frames: (path) => openFrames({ socketPath }, path),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

/** A path with its query, values escaped and absent ones left out. */
export function withQuery(
  path: string,
  query: Readonly<Record<string, string | number | undefined>>,
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  const params = new URLSearchParams(given.map(([key, value]) => [key, String(value)]))
  return given.length === 0 ? path : `${path}?${params}`
}

interface Request {
  readonly method: string
  readonly path: string
  readonly socketPath: string
  readonly agent: Agent
  readonly key: string | undefined
  readonly signal?: AbortSignal
}

function ask({ key, ...options }: Request, body: unknown): Promise<IncomingMessage> {
  const payload = body === undefined ? undefined : toJson(body)
  const headers = {
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...options, headers }, resolve)
    outgoing.on('error', (cause) => reject(options.signal?.aborted ? cause : lost(cause)))
    outgoing.end(payload)
  })
}

/** @throws what the node threw */
async function readJson(response: IncomingMessage): Promise<unknown> {
  const body = await readText(response)
  return body === '' ? {} : JSON.parse(body)
}

/** @throws what the node threw */
async function readText(response: IncomingMessage): Promise<string> {
  const body = await text(response).catch((cause: unknown) => {
    throw lost(cause)
  })
  if ((response.statusCode ?? 500) < 400) return body
  const refused = errorOf(body === '' ? {} : JSON.parse(body))
  throw refused ?? new NodeError('FAILED', `the node answered ${response.statusCode}`)
}

async function* readEvents(
  open: () => Promise<IncomingMessage>,
  signal: AbortSignal,
): AsyncIterable<NodeEvent> {
  try {
    const response = await open()
    try {
      for await (const line of createInterface({ input: response })) {
        if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length)) as NodeEvent
      }
    } finally {
      response.on('error', () => response.destroy()) // nobody listens any more: the node may stop later
      response.destroy()
    }
  } catch (error) {
    if (!signal.aborted) throw error instanceof NodeError ? error : lost(error)
  }
}

/** Until the signal aborts. @throws what the last event, `ended`, tells */
async function* readItems<T>(
  response: IncomingMessage,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<T> {
  let event = ''
  try {
    for await (const line of createInterface({ input: response })) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length)
      if (!line.startsWith('data: ')) continue
      const data: unknown = JSON.parse(line.slice('data: '.length))
      if (event === name) yield data as T
      else if (event === 'ended') throw errorOf((data as { error?: unknown }).error) ?? lost(data)
    }
  } catch (error) {
    if (!signal.aborted) throw error instanceof NodeError ? error : lost(error)
  } finally {
    response.on('error', () => response.destroy()) // nobody listens any more: the node may stop later
    response.destroy()
  }
}

function openSocket(socketPath: string, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws+unix:${socketPath}:${path}`, {
    perMessageDeflate: false,
    generateMask: (mask) => void mask.fill(0), // masks fool web proxies, and there is none on a unix socket
  })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.pause()
      resolve(socket)
    })
    socket.once('error', (cause) => reject(lost(cause)))
    socket.once('unexpected-response', (_, response) => {
      readJson(response).then(
        () => reject(new NodeError('FAILED', `the node refused ${pathOf(path)}`)),
        reject,
      )
    })
  })
}

/** A connection that carries frames; rejects with the node's refusal. */
export async function openFrames(
  place: Pick<RequestOptions, 'socketPath' | 'host' | 'port' | 'headers' | 'signal'>,
  path: string,
): Promise<FrameChannel> {
  return frameSocket(await upgraded({ ...place, path }))
}

/** A connection that is no longer HTTP. */
function upgraded(options: RequestOptions): Promise<Duplex> {
  const headers = { ...options.headers, connection: 'Upgrade', upgrade: FRAMES_PROTOCOL }
  const outgoing = request({ ...options, headers, agent: false })
  return new Promise((resolve, reject) => {
    outgoing.once('upgrade', (_, socket, head) => {
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    outgoing.once('response', (response) => {
      readJson(response).then(
        () => reject(new NodeError('FAILED', `the node refused ${pathOf(options.path)}`)),
        reject,
      )
    })
    outgoing.on('error', (cause) => reject(lost(cause)))
    outgoing.end()
  })
}

/** Without its query: what is asked for may hold secrets. */
const pathOf = (path: string | null | undefined): string => String(path).split('?')[0]!

const notRunning = new Set(['ENOENT', 'ECONNREFUSED'])

/** What it means that a control socket does not answer, or no longer. */
export function lost(cause: unknown): NodeError {
  const { code } = cause as NodeJS.ErrnoException
  if (notRunning.has(code ?? '')) {
    return new NodeError('FAILED_NOT_RUNNING', 'no node runs in this data folder', {
      cause,
      next: 'start one with compute-node --role ROLE, or name its folder with --data-dir',
    })
  }
  return new NodeError('FAILED_NODE_STOPPED', 'the node stopped before it answered', {
    cause,
    next: 'compute-node status tells whether it runs',
  })
}
