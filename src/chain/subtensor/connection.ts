import type { ApiPromise } from '@polkadot/api'
import { deadline } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { toHex } from '../hex.ts'
import { polkadotApi } from '../polkadot.ts'
import { HeadFeed } from './head-feed.ts'
import { ChainProvider } from './provider.ts'
import { quietConsole } from './quiet-console.ts'

export interface ConnectOptions {
  readonly log: Log
  /** Closes the connection. */
  readonly signal: AbortSignal
  /** How long to try before CHAIN_UNREACHABLE; 10 s unless told. */
  readonly timeoutMs?: number
  /** Give up at the first failure, as a command does; a node keeps trying. */
  readonly failFast?: boolean
  /** 32 B: the chain it must be; the first endpoint that answers says which one unless told. */
  readonly genesis?: Uint8Array | undefined
  /** Between two looks at whether another endpoint is far ahead; a minute unless told. */
  readonly lagCheckMs?: number
  /** How long a request waits for a lost connection to come back; 10 s unless told. */
  readonly waitMs?: number
}

/** @polkadot/api, and what it speaks through. */
export interface Connection {
  readonly api: ApiPromise
  readonly provider: ChainProvider
  readonly heads: HeadFeed
}

/**
 * Connects an ApiPromise to the first of the endpoints that answers. Throws CHAIN_UNREACHABLE, or BAD_CONFIG_CHAIN for
 * what is no address and for another chain.
 */
export async function openApi(
  urls: readonly string[],
  options: ConnectOptions,
): Promise<Connection> {
  const wrong = urls.find((url) => !/^wss?:\/\/\S+$/.test(url))
  if (wrong !== undefined) {
    throw new NodeError('BAD_CONFIG_CHAIN', `${wrong} is no chain endpoint`, {
      next: 'give an address like ws://127.0.0.1:9944 with --chain',
    })
  }
  const { log, signal, timeoutMs = 10_000, failFast = false } = options
  quietConsole(log.child('polkadot'))
  const { ApiPromise } = polkadotApi()
  const provider = new ChainProvider({
    urls,
    genesis: options.genesis === undefined ? undefined : toHex(options.genesis),
    log,
    signal,
    lagCheckMs: options.lagCheckMs,
    waitMs: options.waitMs,
  })
  const api = new ApiPromise({ provider, noInitWarn: true })
  let why: unknown
  const failed = Promise.withResolvers<never>()
  api.on('error', (error: unknown) => {
    why = error
    if (failFast || codeOf(error).startsWith('BAD_CONFIG')) failed.reject(error)
  })
  for (const promise of [api.isReadyOrError, failed.promise]) promise.catch(() => undefined) // may reject unasked
  using limit = deadline(signal, timeoutMs)
  try {
    await Promise.race([api.isReady, failed.promise, aborted(limit.signal)])
    return { api, provider, heads: new HeadFeed(api, provider) }
  } catch (cause) {
    await provider.disconnect()
    if (why instanceof NodeError) throw why
    const reason = why === undefined ? 'no answer' : messageOf(why)
    throw new NodeError(
      'CHAIN_UNREACHABLE',
      `cannot reach the chain at ${urls.join(', ')}: ${reason}`,
      { cause, next: 'check --chain and that the endpoint answers' },
    )
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** Runs a read; whatever goes wrong underneath becomes CHAIN_UNREACHABLE, a refusal of the endpoint included. */
export async function reading<T>(what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (cause instanceof NodeError && cause.code !== 'CHAIN_REFUSED') throw cause
    throw new NodeError('CHAIN_UNREACHABLE', `cannot read ${what}: ${messageOf(cause)}`, {
      cause,
      next: 'check that the chain endpoint answers; old blocks need an archive node',
    })
  }
}
