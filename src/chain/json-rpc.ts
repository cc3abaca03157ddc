import { WebSocket } from 'ws'
import { deadline } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import { MiB } from '../units.ts'

/** The least of a JSON-RPC client: calls and subscriptions over one WebSocket, without @polkadot/api. */
export interface JsonRpc {
  /** Throws CHAIN_UNREACHABLE, or CHAIN_REFUSED with what the server answered and its number as `rpcCode`. */
  call<T>(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<T>
  /** Calls back for each notification until the connection or `signal` ends. Resolves with the subscription's id. */
  subscribe(
    method: string,
    listener: (result: unknown) => void,
    signal: AbortSignal,
    params?: readonly unknown[],
  ): Promise<string>
  /** Resolves when the connection is gone, for whatever reason. */
  readonly closed: Promise<void>
  /** Ends it at once; what still waits for an answer gets CHAIN_UNREACHABLE. */
  close(): void
}

/** How long a connection may take to open, and a call to be answered, and how much an answer may hold. */
export interface JsonRpcLimits {
  readonly openWithinMs: number
  readonly answerWithinMs: number
  readonly maxBytes: number
}

const LIMITS: JsonRpcLimits = { openWithinMs: 15_000, answerWithinMs: 15_000, maxBytes: 4 * MiB }

interface Waiting {
  resolve(result: unknown): void
  reject(error: NodeError): void
}

/** Opens a connection; CHAIN_UNREACHABLE when nobody answers in time. */
export async function connectJsonRpc(
  url: string,
  signal?: AbortSignal,
  limits: JsonRpcLimits = LIMITS,
): Promise<JsonRpc> {
  const socket = new WebSocket(url, { maxPayload: limits.maxBytes, perMessageDeflate: false })
  const waiting = new Map<number, Waiting>()
  const listeners = new Map<string, (result: unknown) => void>()
  const early: Notice[] = []
  const closed = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  const fail = (why: string, cause?: unknown): void => {
    const error = unreachable(url, why, cause)
    opened.reject(error)
    for (const call of waiting.values()) call.reject(error)
    waiting.clear()
    listeners.clear()
    closed.resolve()
  }
  socket.on('open', () => opened.resolve())
  socket.on('error', (error) => fail(messageOf(error) || 'connection refused', error))
  socket.on('close', () => fail('the connection was closed'))
  socket.on('message', (data) => receive(String(data), waiting, listeners, early))
  using limit = deadline(signal, limits.openWithinMs)
  limit.signal.addEventListener('abort', () => fail('no answer', limit.signal.reason), {
    once: true,
  })
  try {
    await opened.promise
  } catch (error) {
    socket.terminate()
    throw error
  }
  let ids = 0
  const call = async <T>(
    method: string,
    params: readonly unknown[],
    callSignal?: AbortSignal,
    onResult?: (result: unknown) => void,
  ): Promise<T> => {
    const id = ++ids
    const answer = Promise.withResolvers<unknown>()
    using bound = deadline(callSignal, limits.answerWithinMs)
    const give = (): void => answer.reject(unreachable(url, `no answer to ${method}`))
    bound.signal.addEventListener('abort', give, { once: true })
    if (socket.readyState !== socket.OPEN) throw unreachable(url, 'the connection was closed')
    const resolve = (result: unknown): void => {
      onResult?.(result) // at once: the next message may be the subscription's first
      answer.resolve(result)
    }
    waiting.set(id, { resolve, reject: answer.reject })
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    try {
      return (await answer.promise) as T
    } finally {
      waiting.delete(id)
    }
  }
  return {
    call,
    async subscribe(method, listener, subscriber, params = []) {
      const id = await call<string>(method, params, subscriber, (told) => {
        listeners.set(String(told), listener)
        for (const notice of early.splice(0))
          if (notice.id === String(told)) listener(notice.result)
      })
      const stop = (): void => void listeners.delete(String(id))
      if (subscriber.aborted) stop()
      subscriber.addEventListener('abort', stop, { once: true })
      return id
    },
    closed: closed.promise,
    close() {
      fail('the connection was closed')
      socket.close()
    },
  }
}

interface Message {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly code?: number; readonly message?: string; readonly data?: unknown }
  readonly params?: { readonly subscription?: string | number; readonly result?: unknown }
}

/** What a subscription told before its id was known here. */
interface Notice {
  readonly id: string
  readonly result: unknown
}

const MAX_EARLY = 64

/** What is no JSON-RPC is dropped: this client asks a chain that its operator chose. */
function receive(
  text: string,
  waiting: ReadonlyMap<number, Waiting>,
  listeners: ReadonlyMap<string, (result: unknown) => void>,
  early: Notice[],
): void {
  let message: Message
  try {
    message = JSON.parse(text)
  } catch {
    return
  }
  const { id, error, params } = message ?? {}
  if (params?.subscription !== undefined) {
    const [place, { result }] = [String(params.subscription), params]
    const listener = listeners.get(place)
    if (listener === undefined) early.push({ id: place, result })
    else listener(result)
    if (early.length > MAX_EARLY) early.shift()
    return
  }
  const call = id === undefined ? undefined : waiting.get(id)
  if (error === undefined) call?.resolve(message.result)
  else call?.reject(refused(error))
}

const refused = ({ code, message, data }: NonNullable<Message['error']>): NodeError =>
  new NodeError(
    data === 'CHAIN_NO_FUNDS' ? data : 'CHAIN_REFUSED',
    `the chain refused: ${message ?? 'without a reason'}`,
    {
      ...(code === undefined ? {} : { rpcCode: code }),
      ...(data === undefined ? {} : { reason: data }),
      ...(data === 'CHAIN_NO_FUNDS'
        ? { next: 'rent for less, or from a node whose account has it' }
        : {}),
    },
  )

const unreachable = (url: string, why: string, cause?: unknown): NodeError =>
  new NodeError('CHAIN_UNREACHABLE', `cannot reach the chain at ${url}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    next: 'check --chain and that the endpoint answers',
  })
