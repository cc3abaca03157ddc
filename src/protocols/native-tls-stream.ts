import { once } from 'node:events'
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import {
  type AbortOptions,
  InvalidCryptoExchangeError,
  type MessageStream,
  type MultiaddrConnection,
} from '@libp2p/interface'
import { AbstractMessageStream, type SendResult } from '@libp2p/utils'

/** What of `@libp2p/tcp`'s connection is relied upon; `socket` is private to it, so its version stays pinned. */
export interface TcpConnection extends MultiaddrConnection {
  socket: Socket
  sendClose(options?: AbortOptions): Promise<void>
  sendReset(error: Error): void
}

/** The connection, if it is a direct TCP connection whose socket can be taken over now. */
export function takeableTcp(stream: MessageStream): TcpConnection | undefined {
  const candidate = stream as Partial<TcpConnection>
  if (!(candidate.socket instanceof Socket) || candidate.socket instanceof TLSSocket) return
  if (candidate.sendClose === undefined || candidate.sendReset === undefined) return
  // A websocket or relayed connection may also carry a socket: the address must end in tcp.
  const parts = candidate.remoteAddr?.getComponents().filter(({ name }) => name !== 'p2p')
  if (parts?.at(-1)?.name !== 'tcp') return
  // Plaintext still queued inside libp2p (a peer that does not read): only the JS path keeps the order.
  if (stream.writeBufferLength > 0 || stream.writableNeedsDrain) return
  return candidate as TcpConnection
}

/**
 * Takes the socket away from libp2p and puts back what it had already read: a peer may send its ClientHello together
 * with the protocol selection. TLSSocket reads the socket's buffer before it takes the handle over.
 */
export async function detachSocket(connection: TcpConnection): Promise<Socket> {
  const { socket } = connection
  socket.removeAllListeners('data') // libp2p's reader; 'error', 'close' and 'timeout' stay and keep working
  socket.pause()
  const early: Uint8Array[] = []
  const collect = ({ data }: { data: Uint8Array | { subarray(): Uint8Array } }): void => {
    early.push(data.subarray())
  }
  connection.addEventListener('message', collect) // flushes the read buffer in a microtask …
  await Promise.resolve() // … which was queued before this one
  connection.removeEventListener('message', collect)
  if (socket.destroyed || socket.readableEnded || connection.status !== 'open') {
    throw new InvalidCryptoExchangeError('connection closed before the TLS handshake')
  }
  if (early.length > 0) socket.unshift(Buffer.concat(early))
  return socket
}

/** The plaintext side of a secured connection, as the muxer wants it. */
export class NativeTlsStream extends AbstractMessageStream {
  readonly #connection: TcpConnection
  readonly #tls: TLSSocket
  #corked = false

  constructor(connection: TcpConnection, tls: TLSSocket) {
    super({
      log: connection.log,
      direction: connection.direction,
      inactivityTimeout: connection.inactivityTimeout,
      maxReadBufferLength: connection.maxReadBufferLength,
    })
    this.#connection = connection
    this.#tls = tls
    tls.on('data', (data: Buffer) => this.onData(data))
    tls.on('drain', () => this.safeDispatchEvent('drain'))
    connection.addEventListener('close', ({ error, local }) => {
      if (error === undefined) this.onTransportClosed()
      else if (local === true) this.abort(error)
      else this.onRemoteReset()
    })
    this.#overrideClose()
  }

  /**
   * `Connection.close()` and `abort()` call the TCP connection, which knows nothing of TLS: its `sendClose` ends the
   * socket under TLS and loses queued data, and its `sendReset` may reset a socket whose shutdown is under way.
   */
  #overrideClose(): void {
    const connection = this.#connection
    connection.sendClose = (options) => this.#flushAndClose(options)
    connection.sendReset = () => {
      if (this.#tls.writableEnded) connection.socket.destroy()
      else connection.socket.resetAndDestroy()
    }
  }

  async close(options?: AbortOptions): Promise<void> {
    await this.#connection.close(options)
  }

  async #flushAndClose(options?: AbortOptions): Promise<void> {
    if (this.writeBufferLength > 0) {
      // A stream is an EventTarget, which `once` of node:events accepts.
      const target = this as unknown as EventTarget
      await Promise.race([once(target, 'idle', options), once(target, 'close', options)])
    }
    if (this.#tls.closed) return
    this.#tls.destroySoon() // flush, close_notify, FIN, destroy
    await once(this.#tls, 'close', options)
  }

  sendPause(): void {
    this.#tls.pause() // reading stops once about 64 KiB are queued: real TCP backpressure
  }

  sendResume(): void {
    this.#tls.resume()
  }

  sendReset(error: Error): void {
    this.#connection.abort(error)
  }

  sendData(data: Parameters<AbstractMessageStream['sendData']>[0]): SendResult {
    // While closing, late muxer housekeeping (ping, GoAway) is dropped; writing would turn the close into an error.
    if (!this.#tls.writable) return { sentBytes: data.byteLength, canSendMore: true }
    this.#corkTick()
    let sentBytes = 0
    let canSendMore = true
    for (const part of data) {
      sentBytes += part.byteLength
      canSendMore = this.#tls.write(part)
      if (!canSendMore) break
    }
    return { sentBytes, canSendMore }
  }

  /** Yamux sends header and body apart: what one tick writes becomes one record and one system call. */
  #corkTick(): void {
    if (this.#corked) return
    this.#corked = true
    this.#tls.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#tls.uncork()
    })
  }
}
