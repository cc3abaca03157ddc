import type { Duplex } from 'node:stream'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { NowMs } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { toDuplex } from './duplex.ts'
import type { Hello } from './hello.ts'
import { type Network, wireName } from './network.ts'
import { prefixOf } from './quota.ts'
import { refusalFrame } from './refusal.ts'

/** The other end of a stream: its key is proven by the handshake. */
export interface Remote {
  readonly peerId: string
  /** The PeerId's ed25519 key, 32 B. */
  readonly publicKey: Uint8Array
  /** Where it comes from, for quotas; undefined for this machine. */
  readonly prefix: string | undefined
}

/** Streams between peers of one network that said hello; the engines (rpc, tunnel) stand on it. */
export interface Peers {
  readonly log: Log
  readonly nowMs: NowMs
  /** The node's life. */
  readonly signal: AbortSignal
  /**
   * Opens a stream, dialing when there is no connection.
   * @throws PEER_UNREACHABLE, PEER_OTHER_NETWORK, PEER_UNSUPPORTED, PEER_TIMEOUT; the signal's reason when it aborts
   */
  open(name: string, peer: PeerId | string, signal: AbortSignal): Promise<Duplex>
  /**
   * Hands over each stream that a peer opens until `signal` aborts, which also ends those that are open. A peer's
   * stream beyond `maxPerPeer` is told REFUSED_STREAMS, not silently reset.
   */
  accept(
    name: string,
    maxPerPeer: number,
    onStream: (duplex: Duplex, from: Remote) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Closes every connection to a peer that no longer answers, so that the next stream dials anew. */
  drop(peer: PeerId | string): void
  /** Counts a refusal. */
  refused(name: string, peerId: string, code: string): void
}

export interface PeersOptions {
  readonly log: Log
  readonly signal: AbortSignal
  readonly nowMs: NowMs
  readonly hello: Hello
  readonly onRefused?: ((protocol: string, peer: string, code: string) => void) | undefined
}

/** Past the 32 of libp2p, streams would open and then reset (trap 9): our own limit is lower, and says so. */
const STREAM_LIMITS = {
  maxInboundStreams: 1000,
  maxOutboundStreams: 1000,
  runOnLimitedConnection: true,
} as const
const REFUSED_LINGER_MS = 2000

export function createPeers(libp2p: Libp2p, net: Network, options: PeersOptions): Peers {
  const { log, nowMs, signal, hello, onRefused } = options
  return {
    log,
    nowMs,
    signal,
    refused(name, peerId, code) {
      log.debug('refused', { protocol: name, peer: peerId, code })
      onRefused?.(name, peerId, code)
    },
    drop(peer) {
      const peerId = typeof peer === 'string' ? peerIdFromString(peer) : peer
      for (const connection of libp2p.getConnections(peerId)) {
        connection.abort(new Error('the peer no longer answers'))
      }
    },
    async open(name, peer, until) {
      try {
        const connection = await connect(libp2p, peer, until)
        await greeted(hello, connection, until)
        const opening = { ...STREAM_LIMITS, signal: until }
        const duplex = toDuplex(await connection.newStream(wireName(net, name), opening))
        duplex.on('error', () => undefined) // its reader reports it
        return duplex
      } catch (cause) {
        throw openError(name, peer.toString(), cause, until)
      }
    },
    async accept(name, maxPerPeer, onStream, until) {
      const open = new OpenStreams(maxPerPeer)
      const handler = (stream: Stream, connection: Connection): void => {
        const duplex = toDuplex(stream)
        duplex.on('error', (error) =>
          log.debug('stream-failed', { protocol: name, cause: messageOf(error) }),
        )
        const peerId = connection.remotePeer.toString()
        if (!open.add(peerId, duplex)) {
          this.refused(name, peerId, 'REFUSED_STREAMS')
          refuse(duplex, tooMany(maxPerPeer))
          return
        }
        const serve = (): void => onStream(duplex, remoteOf(connection))
        const waiting = hello.waitFor(connection)
        if (waiting === undefined) serve()
        else waiting.then(serve, () => duplex.destroy())
      }
      const id = wireName(net, name)
      await libp2p.handle(id, handler, STREAM_LIMITS)
      const stop = (): void => {
        // A node that stops may have closed its peer store already.
        libp2p
          .unhandle(id)
          .catch((error) => log.debug('unhandle-failed', { cause: messageOf(error) }))
        open.destroyAll()
      }
      until.addEventListener('abort', stop, { once: true })
    },
  }
}

/** Streams that are open per peer. */
class OpenStreams {
  readonly #maxPerPeer: number
  readonly #open = new Map<string, Set<Duplex>>()

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer
  }

  add(peerId: string, duplex: Duplex): boolean {
    const streams = this.#open.get(peerId) ?? new Set()
    if (streams.size >= this.#maxPerPeer) return false
    this.#open.set(peerId, streams.add(duplex))
    duplex.once('close', () => {
      streams.delete(duplex)
      if (streams.size === 0) this.#open.delete(peerId)
    })
    return true
  }

  destroyAll(): void {
    for (const duplex of [...this.#open.values()].flatMap((streams) => [...streams])) {
      duplex.destroy(new Error('no longer served'))
    }
  }
}

/** An open connection, a direct one before a relayed one, or a new one. */
async function connect(
  libp2p: Libp2p,
  peer: PeerId | string,
  signal: AbortSignal,
): Promise<Connection> {
  const peerId = typeof peer === 'string' ? peerIdFromString(peer) : peer
  const open = libp2p.getConnections(peerId).filter(({ status }) => status === 'open')
  const best = open.find(({ limits }) => limits === undefined) ?? open[0]
  return best ?? libp2p.dial(peerId, { signal })
}

async function greeted(hello: Hello, connection: Connection, signal: AbortSignal): Promise<void> {
  const waiting = hello.waitFor(connection)
  if (waiting === undefined) return
  const aborted = Promise.withResolvers<never>()
  const onAbort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.race([waiting, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function openError(name: string, peer: string, cause: unknown, signal: AbortSignal): unknown {
  if (cause instanceof NodeError) return cause
  if (signal.aborted) return signal.reason
  if ((cause as Error).name === 'UnsupportedProtocolError') {
    return new NodeError('PEER_UNSUPPORTED', `${peer} does not answer ${name} (yet)`, {
      cause,
      next: 'one that is still starting will: try again in a moment; else ask a peer whose role includes it',
    })
  }
  return new NodeError('PEER_UNREACHABLE', `cannot reach ${peer}: ${messageOf(cause)}`, {
    cause,
    next: 'check that it runs and can be dialed (compute-node peers)',
  })
}

function remoteOf({ remotePeer, remoteAddr }: Connection): Remote {
  const publicKey = remotePeer.publicKey?.raw
  if (publicKey === undefined) throw new NodeError('PEER_KEY', 'a PeerId must be ed25519')
  return { peerId: remotePeer.toString(), publicKey, prefix: prefixOf(remoteAddr) }
}

const tooMany = (max: number): NodeError =>
  new NodeError('REFUSED_STREAMS', `at most ${max} streams of this protocol at once`, {
    next: 'end one of them first',
  })

/** Tells why, lets the peer read it, and closes. */
export function refuse(duplex: Duplex, error: unknown, id = 0): void {
  const timer = setTimeout(() => duplex.destroy(), REFUSED_LINGER_MS)
  timer.unref()
  duplex.once('close', () => clearTimeout(timer))
  duplex.end(refusalFrame(id, error))
  duplex.resume()
}
