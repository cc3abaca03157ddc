import { EventEmitter } from 'node:events'
import type {
  ProviderInterface,
  ProviderInterfaceCallback,
  ProviderInterfaceEmitCb,
  ProviderInterfaceEmitted,
} from '@polkadot/rpc-provider/types'
import { deadline, every, sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import type { Log } from '../../log.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { JsonRpc } from '../json-rpc.ts'
import { Endpoints, type EndpointsOptions, finalNumberOf } from './endpoints.ts'

const FIRST_RETRY_MS = 250
const LAST_RETRY_MS = secondsMs(15)
const WAIT_MS = secondsMs(10)
/** A request that ended with its connection is sent again this often; it may be what ends them. */
const MAX_TRIES = 4
const LAG_CHECK_MS = minutesMs(1)

export interface ProviderOptions extends EndpointsOptions {
  /** Between two looks at whether other endpoints are far ahead; a minute unless told. */
  readonly lagCheckMs?: number | undefined
  /** How long a request waits for a lost connection to come back; 10 s unless told. */
  readonly waitMs?: number | undefined
}

interface Subscription {
  readonly type: string
  readonly method: string
  readonly params: readonly unknown[]
  readonly callback: ProviderInterfaceCallback
  readonly life: AbortController
  /** What the endpoint in use calls it; undefined until it was asked for there. */
  remoteId: string | undefined
}

/**
 * What @polkadot/api speaks through. A connection that is lost is opened again, at another endpoint if need be:
 * subscriptions go on under the ids they had, and a question that was not answered is asked again, so that its caller
 * notices nothing. (The library's own provider rejects whatever waits when its socket closes, remembers such a rejection
 * for 30 s under a block's hash, and loses subscriptions that it made anew.) A transaction is never sent again here (`submission.ts` does that). Fails with NodeErrors alone:
 * CHAIN_UNREACHABLE after 10 s without an endpoint, CHAIN_REFUSED, CHAIN_CLOSED.
 */
export class ChainProvider implements ProviderInterface {
  readonly hasSubscriptions = true
  readonly isClonable = false
  readonly #endpoints: Endpoints
  readonly #options: ProviderOptions
  readonly #log: Log
  readonly #life = new AbortController()
  readonly #events = new EventEmitter().setMaxListeners(0)
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #running: Promise<void>
  #rpc: JsonRpc | undefined
  #why: unknown
  #count = 0

  constructor(options: ProviderOptions) {
    this.#options = options
    this.#log = options.log
    this.#endpoints = new Endpoints({ ...options, signal: this.#life.signal })
    // Nobody may listen for it, and an emitter throws an error that nobody listens for.
    this.#events.on('error', () => undefined)
    const stop = (): void => void this.disconnect()
    options.signal.addEventListener('abort', stop, { once: true })
    this.#life.signal.addEventListener('abort', () =>
      options.signal.removeEventListener('abort', stop),
    )
    this.#running = this.#run()
  }

  get isConnected(): boolean {
    return this.#rpc !== undefined
  }

  /** The endpoint in use, or tried next. */
  get url(): string {
    return this.#endpoints.url
  }

  clone(): ProviderInterface {
    throw new NodeError('CHAIN_UNSUPPORTED', 'a connection to a chain is not copied')
  }

  async connect(): Promise<void> {
    // It connects by itself from the start.
  }

  async disconnect(): Promise<void> {
    this.#life.abort(new NodeError('CHAIN_CLOSED', 'the connection to the chain was closed'))
    this.#rpc?.close()
    await this.#running
  }

  on(type: ProviderInterfaceEmitted, listener: ProviderInterfaceEmitCb): () => void {
    this.#events.on(type, listener)
    return () => void this.#events.off(type, listener)
  }

  async send<T>(method: string, params: unknown[]): Promise<T> {
    for (let tries = 1; ; tries++) {
      const rpc = await this.#connected()
      try {
        return await rpc.call<T>(method, params, this.#life.signal)
      } catch (error) {
        this.#life.signal.throwIfAborted()
        if (codeOf(error) !== 'CHAIN_UNREACHABLE') throw error
        this.#lose(rpc)
        if (tries >= MAX_TRIES || method.startsWith('author_')) throw error
      }
    }
  }

  /** A subscription of transactions (`author_…`) ends with its connection; every other one goes on at the next. */
  async subscribe(
    type: string,
    method: string,
    params: unknown[],
    callback: ProviderInterfaceCallback,
  ): Promise<string> {
    const life = new AbortController()
    const own: Subscription = { type, method, params, callback, life, remoteId: undefined }
    const id = `${type}/${++this.#count}`
    for (let tries = 1; ; tries++) {
      const rpc = await this.#connected()
      try {
        await this.#ask(rpc, own)
        this.#subscriptions.set(id, own)
        return id
      } catch (error) {
        this.#life.signal.throwIfAborted()
        if (codeOf(error) !== 'CHAIN_UNREACHABLE') throw error
        this.#lose(rpc)
        if (tries >= MAX_TRIES || isOfTransaction(own)) throw error
      }
    }
  }

  async unsubscribe(_type: string, method: string, id: number | string): Promise<boolean> {
    const own = this.#subscriptions.get(String(id))
    if (own === undefined) return false
    this.#subscriptions.delete(String(id))
    own.life.abort()
    const [rpc, { remoteId }] = [this.#rpc, own]
    if (rpc === undefined || remoteId === undefined) return true
    // A subscription whose connection goes now ends with it.
    return rpc.call<boolean>(method, [remoteId]).catch(() => true)
  }

  async #ask(rpc: JsonRpc, own: Subscription): Promise<void> {
    const { method, params, callback, life } = own
    own.remoteId = undefined
    own.remoteId = await rpc.subscribe(
      method,
      (result) => callback(null, result),
      life.signal,
      params,
    )
  }

  /** The connection in use; waits for one that was lost. */
  async #connected(): Promise<JsonRpc> {
    this.#life.signal.throwIfAborted()
    if (this.#rpc !== undefined) return this.#rpc
    using limit = deadline(this.#life.signal, this.#options.waitMs ?? WAIT_MS)
    const done = Promise.withResolvers<void>()
    const off = this.on('connected', () => done.resolve())
    limit.signal.addEventListener('abort', () => done.resolve(), { once: true })
    await done.promise
    off()
    this.#life.signal.throwIfAborted()
    return this.#rpc ?? this.#fail()
  }

  /** A connection that ended, or on which a question got no answer in a minute. */
  #lose(rpc: JsonRpc): void {
    rpc.close()
    if (rpc === this.#rpc) this.#rpc = undefined
  }

  #fail(): never {
    if (this.#why instanceof NodeError) throw this.#why
    throw new NodeError('CHAIN_UNREACHABLE', `cannot reach the chain at ${this.url}`, {
      next: 'check --chain and that the endpoint answers',
    })
  }

  async #run(): Promise<void> {
    const { signal } = this.#life
    if (this.#options.urls.length > 1) void this.#watchLag()
    let waitMs = FIRST_RETRY_MS
    while (!signal.aborted) {
      try {
        const { rpc, url } = await this.#endpoints.open()
        if (signal.aborted) return rpc.close()
        waitMs = FIRST_RETRY_MS
        this.#log.info('chain-endpoint', { url })
        await this.#use(rpc)
      } catch (error) {
        if (signal.aborted) return
        this.#why = error
        this.#events.emit('error', error)
        // Another chain is no passing trouble.
        if (codeOf(error).startsWith('BAD_CONFIG')) return
        await sleep(waitMs, signal).catch(() => undefined) // the owner stopped: the loop sees it
        waitMs = Math.min(2 * waitMs, LAST_RETRY_MS)
      }
    }
  }

  /** Lets everything run on a connection until it ends. */
  async #use(rpc: JsonRpc): Promise<void> {
    this.#rpc = rpc
    for (const [id, own] of this.#subscriptions) {
      if (isOfTransaction(own)) this.#subscriptions.delete(id)
      // Where this connection ends too, the next one asks again.
      else this.#ask(rpc, own).catch((error) => this.#log.debug('chain-not-subscribed', { error }))
    }
    this.#events.emit('connected')
    await rpc.closed
    this.#rpc = undefined
    this.#events.emit('disconnected')
  }

  #watchLag(): Promise<void> {
    const { signal } = this.#life
    const options = { signal, log: this.#log, name: 'chain-lag' }
    return every(this.#options.lagCheckMs ?? LAG_CHECK_MS, options, async () => {
      const rpc = this.#rpc
      if (rpc === undefined) return
      if (await this.#endpoints.isBehind(() => finalNumberOf(rpc, signal))) rpc.close()
    })
  }
}

const isOfTransaction = ({ method }: Pick<Subscription, 'method'>): boolean =>
  method.startsWith('author_')
