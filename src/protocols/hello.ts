import { EventEmitter, once } from 'node:events'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { deadline, type NowMs, sleep } from '../clock.ts'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { toDuplex } from './duplex.ts'
import { lost } from './frame-reader.ts'
import { type HelloMessage, hearHello, otherNetwork, sayHello } from './hello-exchange.ts'
import { type Network, wireName } from './network.ts'

const TIMEOUT_MS = 10_000
/** A node registers its protocols moments after it listens: when to ask again one that does not know hello. */
const RETRY_AFTER_MS = [100, 400, 1500]
const STREAM_LIMITS = {
  maxInboundStreams: 4,
  maxOutboundStreams: 4,
  runOnLimitedConnection: true,
} as const

/** A peer that said hello. */
export interface Greeted {
  readonly peerId: string
  /** The peer's clock minus ours, ms, as of its message. */
  readonly skewMs: number
  readonly versions: readonly number[]
}

export interface HelloOptions {
  readonly log: Log
  readonly signal: AbortSignal
  readonly nowMs: NowMs
  /** How long a connection may stay silent. */
  readonly timeoutMs?: number
  readonly onGreeted?: ((greeted: Greeted) => void) | undefined
  /** Told of a peer that was sent away: PEER_OTHER_NETWORK, PEER_TIMEOUT, PEER_VERSION, BAD_MESSAGE. */
  readonly onRefused?: ((peerId: string, code: string) => void) | undefined
}

/** Who has said hello. Nothing is served to a connection, or asked of it, before. */
export interface Hello {
  /** Whether an open connection to this peer has said hello. */
  greeted(peerId: string): boolean
  /** Until one has; rejects when `signal` aborts. */
  whenGreeted(peerId: string, signal: AbortSignal): Promise<void>
  /**
   * Undefined when this connection has said hello; else a promise until it does, which rejects with
   * PEER_OTHER_NETWORK, PEER_VERSION, PEER_TIMEOUT or PEER_LOST.
   */
  waitFor(connection: Connection): Promise<void> | undefined
}

/**
 * Says hello on every connection, as its dialer, and disconnects peers that are of another network, share no version
 * or stay silent. Names on the wire start with the network's, so a foreign node cannot even negotiate hello. Best
 * created before the node listens (`start: false`).
 */
export function createHello(libp2p: Libp2p, net: Network, options: HelloOptions): Hello {
  const greeter = new Greeter(libp2p, net, options)
  greeter.start()
  return greeter
}

interface Greeting extends PromiseWithResolvers<void> {
  done: boolean
}

class Greeter implements Hello {
  readonly #libp2p: Libp2p
  readonly #net: Network
  readonly #options: HelloOptions
  readonly #timeoutMs: number
  readonly #name: string
  readonly #greetings = new WeakMap<Connection, Greeting>()
  readonly #news = new EventEmitter().setMaxListeners(0)

  constructor(libp2p: Libp2p, net: Network, options: HelloOptions) {
    this.#libp2p = libp2p
    this.#net = net
    this.#options = options
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#name = wireName(net, 'hello')
  }

  start(): void {
    const { signal, log } = this.#options
    const onOpen = ({ detail }: CustomEvent<Connection>): void => this.#follow(detail)
    const onStream = (stream: Stream, connection: Connection): void =>
      this.#hear(stream, connection)
    const failed = (error: unknown): void => log.error('handle-failed', error)
    this.#libp2p.handle(this.#name, onStream, STREAM_LIMITS).catch(failed)
    this.#libp2p.addEventListener('connection:open', onOpen)
    for (const connection of this.#libp2p.getConnections()) this.#follow(connection)
    const stop = (): void => {
      this.#libp2p.removeEventListener('connection:open', onOpen)
      // A node that stops may have closed its peer store already.
      const late = (error: unknown): void =>
        log.debug('unhandle-failed', { cause: messageOf(error) })
      this.#libp2p.unhandle(this.#name).catch(late)
    }
    signal.addEventListener('abort', stop, { once: true })
  }

  greeted(peerId: string): boolean {
    return this.#libp2p
      .getConnections()
      .some((c) => c.remotePeer.toString() === peerId && this.#greetings.get(c)?.done === true)
  }

  async whenGreeted(peerId: string, signal: AbortSignal): Promise<void> {
    if (!this.greeted(peerId)) await once(this.#news, peerId, { signal })
  }

  waitFor(connection: Connection): Promise<void> | undefined {
    const greeting = this.#greetingOf(connection)
    return greeting.done ? undefined : greeting.promise
  }

  #greetingOf(connection: Connection): Greeting {
    const known = this.#greetings.get(connection)
    if (known !== undefined) return known
    const greeting = { ...Promise.withResolvers<void>(), done: false }
    greeting.promise.catch(() => undefined) // those who wait are told; with none waiting it is no error
    this.#greetings.set(connection, greeting)
    return greeting
  }

  /** The dialer speaks; the listener waits for it. */
  #follow(connection: Connection): void {
    const greeting = this.#greetingOf(connection)
    const onClose = (): void => greeting.reject(lost(new Error('disconnected')))
    connection.addEventListener('close', onClose, { once: true })
    if (connection.direction === 'outbound') void this.#say(connection)
    else void this.#expect(connection, greeting)
  }

  async #say(connection: Connection): Promise<void> {
    using limit = deadline(this.#options.signal, this.#timeoutMs)
    const { nowMs } = this.#options
    const peer = connection.remotePeer.toString()
    try {
      const duplex = toDuplex(await this.#open(connection, limit.signal))
      this.#welcome(connection, await sayHello(duplex, this.#net, nowMs, peer, limit.signal))
    } catch (error) {
      this.#sendAway(connection, limit.expired ? silent(this.#timeoutMs) : error)
    }
  }

  async #open(connection: Connection, signal: AbortSignal): Promise<Stream> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await connection.newStream(this.#name, { ...STREAM_LIMITS, signal })
      } catch (cause) {
        if ((cause as Error).name !== 'UnsupportedProtocolError') throw cause
        const waitMs = RETRY_AFTER_MS[attempt]
        if (waitMs === undefined) throw otherNetwork(this.#net, cause)
        await sleep(waitMs, signal)
      }
    }
  }

  async #expect(connection: Connection, greeting: Greeting): Promise<void> {
    using limit = deadline(this.#options.signal, this.#timeoutMs)
    const onSilence = (): void => {
      if (limit.expired) this.#sendAway(connection, silent(this.#timeoutMs))
    }
    limit.signal.addEventListener('abort', onSilence, { once: true })
    await greeting.promise.catch(() => undefined) // only ends the wait
  }

  #hear(stream: Stream, connection: Connection): void {
    const { nowMs, signal } = this.#options
    hearHello(toDuplex(stream), this.#net, nowMs, signal).then(
      (theirs) => this.#welcome(connection, theirs),
      (error: unknown) => this.#sendAway(connection, error),
    )
  }

  #welcome(connection: Connection, { timeMs, versions }: HelloMessage): void {
    if (connection.remotePeer.publicKey?.type !== 'Ed25519') {
      this.#sendAway(connection, new NodeError('PEER_KEY', 'a PeerId must be ed25519'))
      return
    }
    const greeting = this.#greetingOf(connection)
    if (greeting.done) return
    greeting.done = true
    greeting.resolve()
    const peerId = connection.remotePeer.toString()
    this.#news.emit(peerId)
    this.#options.onGreeted?.({ peerId, versions, skewMs: timeMs - this.#options.nowMs() })
  }

  #sendAway(connection: Connection, error: unknown): void {
    const { signal, log } = this.#options
    const reason = error instanceof NodeError ? error : lost(error as Error)
    this.#greetingOf(connection).reject(reason)
    if (signal.aborted || connection.status !== 'open') return
    const peer = connection.remotePeer.toString()
    log.info('peer-sent-away', { peer, code: codeOf(reason), message: messageOf(reason) })
    this.#options.onRefused?.(peer, codeOf(reason))
    connection.abort(reason)
  }
}

const silent = (timeoutMs: number): NodeError =>
  new NodeError('PEER_TIMEOUT', `the peer did not say hello within ${timeoutMs} ms`)
