import type { ApiPromise } from '@polkadot/api'
import type { ProviderInterface } from '@polkadot/rpc-provider/types'
import { deadline } from '../../clock.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { polkadotApi } from '../polkadot.ts'
import { quietConsole } from './quiet-console.ts'

export interface ConnectOptions {
  readonly log: Log
  /** Closes the connection. */
  readonly signal: AbortSignal
  /** How long to try before CHAIN_UNREACHABLE; 10 s unless told. */
  readonly timeoutMs?: number
  /** Give up at the first failure, as a command does; a node keeps trying. */
  readonly failFast?: boolean
}

const RETRY_MS = 1000
const CALL_TIMEOUT_MS = 60_000

/** Connects an ApiPromise; the provider reconnects by itself later. Throws BAD_CONFIG or CHAIN_UNREACHABLE. */
export async function openApi(url: string, options: ConnectOptions): Promise<ApiPromise> {
  if (!/^wss?:\/\/\S+$/.test(url)) {
    throw new NodeError('BAD_CONFIG_CHAIN', `${url} is no chain endpoint`, {
      next: 'give an address like ws://127.0.0.1:9944 with --chain',
    })
  }
  const { log, signal, timeoutMs = 10_000, failFast = false } = options
  quietConsole(log.child('polkadot'))
  const { ApiPromise, WsProvider } = polkadotApi()
  const provider = new WsProvider(url, RETRY_MS, {}, CALL_TIMEOUT_MS) as ProviderInterface
  const api = new ApiPromise({ provider, noInitWarn: true })
  let why = 'no answer'
  api.on('error', (error: unknown) => {
    why = textOf(error)
  })
  api.isReadyOrError.catch(() => undefined) // rejects with the same error even when nobody asks for it
  using limit = deadline(signal, timeoutMs)
  try {
    await Promise.race([failFast ? api.isReadyOrError : api.isReady, aborted(limit.signal)])
    return api
  } catch (cause) {
    await api.disconnect()
    throw new NodeError('CHAIN_UNREACHABLE', `cannot reach the chain at ${url}: ${why}`, {
      cause,
      next: 'check --chain and that the endpoint answers',
    })
  }
}

/** A failed WebSocket tells its error in an event. */
function textOf(error: unknown): string {
  const inner = (error as { error?: unknown }).error ?? error
  return (inner instanceof Error && inner.message) || 'connection refused or closed'
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** How long a call waits for a lost connection to come back. */
const RECONNECT_MS = 10_000

/** Resolves once the provider is connected again; rejects when that takes too long. */
export async function connected(api: ApiPromise): Promise<void> {
  if (api.isConnected) return
  using limit = deadline(undefined, RECONNECT_MS)
  const back = Promise.withResolvers<void>()
  api.on('connected', back.resolve)
  try {
    await Promise.race([back.promise, aborted(limit.signal)])
  } finally {
    api.off('connected', back.resolve)
  }
}

/**
 * Runs a read, after a lost connection has come back; whatever goes wrong underneath becomes CHAIN_UNREACHABLE.
 */
export async function reading<T>(
  api: ApiPromise,
  what: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    await connected(api)
    return await read()
  } catch (cause) {
    if (cause instanceof NodeError) throw cause
    throw new NodeError('CHAIN_UNREACHABLE', `cannot read ${what}: ${messageOf(cause)}`, {
      cause,
      next: 'check that the chain endpoint answers; old blocks need an archive node',
    })
  }
}
