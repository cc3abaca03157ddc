import type { Libp2p, PeerId } from '@libp2p/interface'
import type { NowMs } from '../clock.ts'
import type { Log } from '../log.ts'
import type { CallOutcome } from '../metrics.ts'
import { createHello, type Greeted, type Hello } from './hello.ts'
import { measured, measuredItems, type OnCall, timed } from './measured-call.ts'
import type { Network } from './network.ts'
import { createPeers, type Peers } from './peers.ts'
import type { Protocol } from './protocol.ts'
import { Links } from './rpc-client.ts'
import { type Handler, serveRequests } from './rpc-server.ts'
import { askItems, type StreamHandler, serveItems } from './rpc-stream.ts'

export type { Caller } from './call.ts'

export interface RpcOptions {
  readonly log: Log
  /** The node's life: everything served and kept ends with it. */
  readonly signal: AbortSignal
  readonly nowMs: NowMs
  /** Told of every refused request and peer, with the protocol's name (`hello` for a peer sent away). */
  readonly onRefused?: (protocol: string, peer: string, code: string) => void
  readonly onGreeted?: (greeted: Greeted) => void
  /** Told of every request with one answer when it is over, those asked and those served. */
  readonly onCall?: OnCall | undefined
  /** Told of every streamed answer when its first item is there, or it ended without one. */
  readonly onFirstItem?: OnCall | undefined
  /** How long a new connection may take to say hello. */
  readonly helloTimeoutMs?: number
}

/** Requests and answers between peers of one network. */
export interface Rpc {
  /** Who has said hello. */
  readonly hello: Hello
  /** What tunnels stand on. */
  readonly peers: Peers
  /**
   * Answers `protocol` until `signal` aborts. A thrown NodeError reaches the asker with code, message and next step;
   * of any other error it learns only FAILED, and this node's log the rest.
   */
  serve<Req, Res>(
    protocol: Protocol<Req, Res>,
    handler: Handler<Req, Res>,
    signal: AbortSignal,
  ): Promise<void>
  /** Answers with a stream of items, as fast as the asker takes them. The iterable should heed `caller.signal`. */
  serveStream<Req, Res>(
    protocol: Protocol<Req, Res>,
    handler: StreamHandler<Req, Res>,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * Asks over the one stream kept for this peer and protocol; requests do not wait for each other.
   * @throws PEER_UNREACHABLE, PEER_UNSUPPORTED, PEER_TIMEOUT, PEER_LOST (it may have been answered), BAD_MESSAGE, the
   * peer's own refusal, or the signal's reason
   */
  ask<Req, Res>(
    protocol: Protocol<Req, Res>,
    peer: PeerId | string,
    request: Req,
    signal?: AbortSignal,
  ): Promise<Res>
  /** Asks for a streamed answer; leaving the loop ends it. Throws as `ask`, and PEER_LOST when it was cut short. */
  askStream<Req, Res>(
    protocol: Protocol<Req, Res>,
    peer: PeerId | string,
    request: Req,
    signal?: AbortSignal,
  ): AsyncIterable<Res>
}

/** The engine of one libp2p node; create it before the node listens (`start: false`), so that hello is there. */
export function createRpc(libp2p: Libp2p, net: Network, options: RpcOptions): Rpc {
  const { log, signal, nowMs, onRefused, onGreeted, onCall, onFirstItem, helloTimeoutMs } = options
  const hello = createHello(libp2p, net, {
    log: log.child('hello'),
    signal,
    nowMs,
    onGreeted,
    onRefused: (peer, code) => onRefused?.('hello', peer, code),
    ...(helloTimeoutMs === undefined ? {} : { timeoutMs: helloTimeoutMs }),
  })
  const peers = createPeers(libp2p, net, {
    log: log.child('peers'),
    signal,
    nowMs,
    hello,
    onRefused,
  })
  const links = new Links(peers)
  const tellOf =
    ({ name }: { readonly name: string }, side: 'asked' | 'served') =>
    (outcome: CallOutcome, ms: number): void =>
      onFirstItem?.(name, side, outcome, ms)
  return {
    hello,
    peers,
    serve: (protocol, handler, until) =>
      serveRequests(peers, protocol, measured(protocol.name, handler, onCall), until),
    serveStream(protocol, handler, until) {
      if (onFirstItem === undefined) return serveItems(peers, protocol, handler, until)
      const tell = tellOf(protocol, 'served')
      return serveItems(
        peers,
        protocol,
        (...asked) => measuredItems(handler(...asked), tell),
        until,
      )
    },
    async ask<Req, Res>(
      protocol: Protocol<Req, Res>,
      peer: PeerId | string,
      request: Req,
      until?: AbortSignal,
    ) {
      const body = protocol.request.encode(request)
      const asking = async (): Promise<Res> => {
        const found = links.get(peer.toString(), protocol)
        const link = found instanceof Promise ? await heeding(found, until) : found
        return protocol.response.decode(await link.ask(body, protocol.limits.timeoutMs, until))
      }
      if (onCall === undefined) return asking()
      return timed(asking, (outcome, ms) => onCall(protocol.name, 'asked', outcome, ms), until)
    },
    askStream(protocol, peer, request, until) {
      const items = askItems(peers, protocol, peer, request, until)
      return onFirstItem === undefined
        ? items
        : measuredItems(items, tellOf(protocol, 'asked'), until)
    },
  }
}

/** The promise's outcome, unless `signal` aborts first. */
function heeding<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}
