import type { Duplex } from 'node:stream'
import type { PeerId } from '@libp2p/interface'
import { deadline } from '../clock.ts'
import { messageOf, NodeError } from '../errors.ts'
import { createAdmission } from './admission.ts'
import { Call, type Caller } from './call.ts'
import type { Codec } from './codec.ts'
import type { FrameReader } from './frame-reader.ts'
import { createChannelReader, createFrameChannel, type FrameChannel } from './frames.ts'
import { type Peers, type Remote, refuse } from './peers.ts'
import { refusalError } from './refusal.ts'
import { timedOut } from './rpc-client.ts'
import { reportFailure } from './rpc-server.ts'
import { requestOf } from './rpc-stream.ts'
import { messageFrame, readMessage, tags } from './wire.ts'

/** Tunnels one peer may hold open at once, per protocol that says nothing else. */
const MAX_TUNNELS = 64

/** Bytes both ways after one request: everything two peers must agree on. */
export interface TunnelProtocol<Req> {
  /** The middle of its wire name, e.g. `session`. */
  readonly name: string
  readonly request: Codec<Req>
  readonly limits: {
    readonly requestBytes: number
    /** From request to acceptance. */
    readonly timeoutMs: number
    readonly perPeerPerMinute: number
    /** Tunnels one peer may hold open at once; 64 when absent. */
    readonly openPerPeer?: number
  }
}

export const defineTunnel = <Req>(protocol: TunnelProtocol<Req>): TunnelProtocol<Req> =>
  Object.freeze(protocol)

export type TunnelHandler<Req> = (
  request: Req,
  channel: FrameChannel,
  caller: Caller,
) => Promise<void>

/**
 * Serves tunnels until `signal` aborts. The handler's first use of the channel accepts; what it throws before is the
 * opener's refusal, and after is told through the channel. When it returns, its direction ends.
 */
export function serveTunnel<Req>(
  { peers }: { readonly peers: Peers },
  protocol: TunnelProtocol<Req>,
  handler: TunnelHandler<Req>,
  signal: AbortSignal,
): Promise<void> {
  const admit = createAdmission(peers, protocol)
  const serve = (duplex: Duplex, from: Remote): void => {
    const reader = createChannelReader(duplex)
    const tunnel = new ServedTunnel(duplex, from, reader)
    const run = async (): Promise<void> => {
      const body = await requestOf(reader, protocol.limits.timeoutMs)
      if (body.length > protocol.limits.requestBytes) throw tooLarge(protocol)
      await handler(admit(from, body), tunnel, tunnel.call)
      await tunnel.end()
    }
    run().catch((error: unknown) => {
      if (duplex.destroyed) return // the opener left: no one to tell
      reportFailure(peers, protocol.name, error)
      if (tunnel.accepted) tunnel.abort(error as Error)
      else refuse(duplex, error)
    })
  }
  return peers.accept(protocol.name, protocol.limits.openPerPeer ?? MAX_TUNNELS, serve, signal)
}

const tooLarge = <Req>({ name, limits }: TunnelProtocol<Req>): NodeError =>
  new NodeError('BAD_MESSAGE', `a ${name} request has at most ${limits.requestBytes} bytes`)

/** A tunnel that accepts itself when first used. */
class ServedTunnel implements FrameChannel {
  readonly call: Call
  accepted = false
  readonly #duplex: Duplex
  readonly #channel: FrameChannel

  constructor(duplex: Duplex, from: Remote, reader: FrameReader) {
    this.call = new Call(from)
    this.#duplex = duplex
    this.#channel = createFrameChannel(duplex, from.peerId, reader)
    duplex.once('close', () => this.call.cancel(new Error('the tunnel closed')))
  }

  #accept(): FrameChannel {
    if (!this.accepted) {
      this.accepted = true
      this.#duplex.write(messageFrame(tags.accepted, 0))
    }
    return this.#channel
  }

  send(channel: number, data: Uint8Array): Promise<void> {
    return this.#accept().send(channel, data)
  }

  frames() {
    return this.#accept().frames()
  }

  end(): Promise<void> {
    return this.#accept().end()
  }

  abort(error: Error): void {
    this.#accept().abort(error)
  }
}

/**
 * Opens a tunnel; before acceptance no byte flows. `signal` aborts it also later.
 * @throws the refusal's code, PEER_UNREACHABLE, PEER_TIMEOUT, PEER_LOST
 */
export async function openTunnel<Req>(
  { peers }: { readonly peers: Peers },
  protocol: TunnelProtocol<Req>,
  peer: PeerId | string,
  request: Req,
  signal: AbortSignal,
): Promise<FrameChannel> {
  const { name, limits } = protocol
  const body = protocol.request.encode(request)
  using limit = deadline(signal, limits.timeoutMs)
  try {
    const duplex = await peers.open(name, peer, limit.signal)
    const reader = createChannelReader(duplex)
    const stop = (): void => {
      reader.fail(limit.signal.reason)
      duplex.destroy()
    }
    limit.signal.addEventListener('abort', stop)
    duplex.write(messageFrame(tags.request, 0, body))
    await accepted(reader, duplex, peer.toString())
    limit.signal.removeEventListener('abort', stop)
    return abortable(createFrameChannel(duplex, peer.toString(), reader), duplex, signal)
  } catch (error) {
    throw limit.expired ? timedOut(name, peer.toString(), limits.timeoutMs) : error
  }
}

async function accepted(reader: FrameReader, duplex: Duplex, peer: string): Promise<void> {
  try {
    const frame = await reader.next()
    if (frame?.tag === tags.accepted) return
    if (frame?.tag === tags.refused) throw refusalError(readMessage(frame).body, peer)
    throw new NodeError('PEER_LOST', 'the peer ended the tunnel before accepting it')
  } catch (error) {
    duplex.destroy()
    throw error
  }
}

/** The opener's signal ends the tunnel for its whole life. */
function abortable(channel: FrameChannel, duplex: Duplex, signal: AbortSignal): FrameChannel {
  const onAbort = (): void => {
    const { reason } = signal
    channel.abort(reason instanceof Error ? reason : new Error(messageOf(reason)))
  }
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  duplex.once('close', () => signal.removeEventListener('abort', onAbort))
  return channel
}
