import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { MiB } from '../../units.ts'
import { RpcError } from './rpc-error.ts'

/** One connection, as methods see it. */
export interface Client {
  /** Opens a subscription; `stop` runs when it ends, at the latest with the connection. */
  subscribe(stop: () => void): string
  notify(method: string, subscription: string, result: unknown): void
  unsubscribe(subscription: string): boolean
}

export type Method = (params: readonly unknown[], client: Client) => unknown

/** JSON-RPC methods by name. */
export type Methods = Readonly<Record<string, Method>>

export interface RpcServer {
  /** ws://host:port */
  readonly url: string
  close(): Promise<void>
}

const MAX_CONNECTIONS = 256
const MAX_SUBSCRIPTIONS = 256
/** A client that does not read is cut off before it costs memory. */
const MAX_BUFFERED_BYTES = 16 * MiB

/** Serves JSON-RPC 2.0 over WebSocket; BAD_CONFIG_PORT when the port is taken. */
export async function serveRpc(
  methods: Methods,
  { host, port, log }: { host: string; port: number; log: Log },
): Promise<RpcServer> {
  const http = createServer((_, response) => response.writeHead(426).end())
  await new Promise<void>((resolve, reject) => {
    http.once('error', (cause) => reject(portError(host, port, cause)))
    http.listen(port, host, resolve)
  })
  const server = new WebSocketServer({ server: http, maxPayload: MiB })
  server.on('connection', (socket, request) => {
    // A page in a browser may reach loopback: it always names its origin, and no client of ours does.
    if (server.clients.size > MAX_CONNECTIONS || request.headers.origin !== undefined)
      return socket.close(1008)
    serveSocket(socket, methods, log)
  })
  const address = http.address() as AddressInfo
  return {
    url: `ws://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    async close() {
      for (const socket of server.clients) socket.terminate()
      server.close()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

const portError = (host: string, port: number, cause: Error): NodeError =>
  new NodeError('BAD_CONFIG_PORT', `cannot listen on ${host}:${port}: ${cause.message}`, {
    cause,
    next: 'choose another --port, or 0 for any free one',
  })

function serveSocket(socket: WebSocket, methods: Methods, log: Log): void {
  const stops = new Map<string, () => void>()
  let count = 0
  const send = (message: object): void => {
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
  }
  const client: Client = {
    subscribe(stop) {
      if (stops.size >= MAX_SUBSCRIPTIONS) throw new RpcError(-32000, 'too many subscriptions')
      const id = `s${++count}`
      stops.set(id, stop)
      return id
    },
    notify: (method, subscription, result) =>
      send({ jsonrpc: '2.0', method, params: { subscription, result } }),
    unsubscribe(id) {
      stops.get(id)?.()
      return stops.delete(id)
    },
  }
  socket.on('error', (error) => log.debug('socket-failed', { error: messageOf(error) }))
  socket.on('close', () => {
    for (const stop of stops.values()) stop()
    stops.clear()
  })
  socket.on('message', (data) => void answer(String(data), methods, client, log).then(send))
}

interface Answer {
  readonly jsonrpc: '2.0'
  readonly id: unknown
  readonly result?: unknown
  readonly error?: { code: number; message: string; data?: string }
}

/** The answer to one request; never throws. */
async function answer(text: string, methods: Methods, client: Client, log: Log): Promise<Answer> {
  let id: unknown = null
  try {
    const request = parse(text)
    id = request.id
    const method = Object.hasOwn(methods, request.method) ? methods[request.method] : undefined
    if (method === undefined) throw new RpcError(-32601, `Method not found: ${request.method}`)
    return { jsonrpc: '2.0', id, result: (await method(request.params, client)) ?? null }
  } catch (error) {
    return { jsonrpc: '2.0', id, error: errorJson(error, log) }
  }
}

function parse(text: string): { id: unknown; method: string; params: unknown[] } {
  let request: { id?: unknown; method?: unknown; params?: unknown }
  try {
    request = JSON.parse(text)
  } catch {
    throw new RpcError(-32700, 'Parse error')
  }
  const { id = null, method, params = [] } = request ?? {}
  if (typeof method !== 'string' || method.length > 100 || !Array.isArray(params))
    throw new RpcError(-32600, 'Invalid request')
  return { id, method, params }
}

function errorJson(error: unknown, log: Log): { code: number; message: string; data?: string } {
  if (error instanceof RpcError) {
    const { code, message, data } = error
    return { code, message, ...(data === undefined ? {} : { data }) }
  }
  if (error instanceof NodeError) return { code: -32000, message: error.message, data: error.code }
  log.error('method-failed', error)
  return { code: -32603, message: 'Internal error' }
}
