import { constants } from 'node:crypto'
import nodeTls, { type SecureContext, TLSSocket } from 'node:tls'
import {
  type ConnectionEncrypter,
  InvalidCryptoExchangeError,
  type MessageStream,
  type SecureConnectionOptions,
  type SecuredConnection,
  serviceCapabilities,
} from '@libp2p/interface'
import { tls as stockTls, type TLSComponents } from '@libp2p/tls'
import { generateCertificate, verifyPeerCertificate } from '@libp2p/tls/utils'
import {
  detachSocket,
  NativeTlsStream,
  type TcpConnection,
  takeableTcp,
} from './native-tls-stream.ts'

export interface NativeTlsOptions {
  /** Told after each handshake whether it ran natively or through `@libp2p/tls`. */
  readonly onSecured?: (path: 'native' | 'fallback') => void
  /** PEM certificate and key; by default a fresh libp2p certificate per node. */
  readonly identity?: () => Promise<{ cert: string; key: string }>
}

/** AES-128 first: about 10 % cheaper than AES-256. Every libp2p TLS stack accepts all three. */
const CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256'

/**
 * libp2p's TLS 1.3 (`/tls/1.0.0`, the certificates of `@libp2p/tls`) run by Node's own TLS on the TCP handle: records
 * never cross JavaScript, which doubles the throughput. What is no plain TCP connection (relayed, in memory) uses
 * `@libp2p/tls`. Use as `connectionEncrypters: [nativeTls(), noise()]`, never beside `tls()`: same id, last one wins.
 */
export const nativeTls =
  (options: NativeTlsOptions = {}) =>
  (components: TLSComponents): ConnectionEncrypter =>
    new NativeTls(components, options)

class NativeTls implements ConnectionEncrypter {
  readonly protocol = '/tls/1.0.0'
  readonly [Symbol.toStringTag] = 'native-tls'
  readonly [serviceCapabilities]: string[] = ['@libp2p/connection-encryption']
  readonly #components: TLSComponents
  readonly #options: NativeTlsOptions
  readonly #fallback: ConnectionEncrypter
  #context: Promise<SecureContext> | undefined

  constructor(components: TLSComponents, options: NativeTlsOptions) {
    this.#components = components
    this.#options = options
    this.#fallback = stockTls()(components)
  }

  secureInbound(stream: MessageStream, options?: SecureConnectionOptions) {
    return this.#secure(stream, true, options)
  }

  secureOutbound(stream: MessageStream, options?: SecureConnectionOptions) {
    return this.#secure(stream, false, options)
  }

  async #secure(
    stream: MessageStream,
    isServer: boolean,
    options?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    const connection = takeableTcp(stream)
    if (connection === undefined) {
      this.#options.onSecured?.('fallback')
      return isServer
        ? this.#fallback.secureInbound(stream, options)
        : this.#fallback.secureOutbound(stream, options)
    }
    try {
      return await this.#secureTcp(connection, isServer, options)
    } catch (error) {
      connection.abort(error as Error) // the upgrader does not; this resets the socket
      throw error
    }
  }

  async #secureTcp(
    connection: TcpConnection,
    isServer: boolean,
    options?: SecureConnectionOptions,
  ): Promise<SecuredConnection> {
    const muxers = this.#components.upgrader.getStreamMuxers()
    const early = options?.skipStreamMuxerNegotiation === true ? [] : [...muxers.keys()]
    const secureContext = await this.#secureContext()
    options?.signal?.throwIfAborted()
    const tls = openTls(await detachSocket(connection), secureContext, isServer, early)
    // For the whole life: an unhandled 'error' would end the process.
    tls.on('error', (error) => connection.abort(error))
    await handshake(tls, options?.signal)
    const { raw } = tls.getPeerCertificate()
    if (raw === undefined) throw new InvalidCryptoExchangeError('the peer sent no certificate')
    const log = connection.log.newScope('native-tls')
    const remotePeer = await verifyPeerCertificate(raw, options?.remotePeer, log)
    if (tls.destroyed) {
      throw new InvalidCryptoExchangeError('connection closed during the TLS handshake')
    }
    this.#options.onSecured?.('native')
    // An ALPN other than 'libp2p' is a muxer already agreed upon, which saves a round trip.
    const alpn = tls.alpnProtocol
    const streamMuxer = typeof alpn === 'string' && alpn !== 'libp2p' ? muxers.get(alpn) : undefined
    return {
      remotePeer,
      connection: new NativeTlsStream(connection, tls),
      ...(streamMuxer === undefined ? {} : { streamMuxer }),
    }
  }

  /** One certificate per node, as in go-libp2p; `@libp2p/tls` signs a new one for every connection. */
  async #secureContext(): Promise<SecureContext> {
    this.#context ??= this.#makeContext()
    try {
      return await this.#context
    } catch (error) {
      this.#context = undefined // the next connection tries again
      throw error
    }
  }

  async #makeContext(): Promise<SecureContext> {
    const identity = await (this.#options.identity?.() ??
      generateCertificate(this.#components.privateKey))
    return nodeTls.createSecureContext({
      ...identity,
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
      ciphers: CIPHERS,
      // No resumption: always a full handshake, always a certificate.
      secureOptions: constants.SSL_OP_NO_TICKET,
    })
  }
}

function openTls(
  socket: TcpConnection['socket'],
  secureContext: SecureContext,
  isServer: boolean,
  earlyMuxers: readonly string[],
): TLSSocket {
  // Self-signed by design: OpenSSL still checks possession of the key, and the identity is verified after the handshake.
  const common = { secureContext, rejectUnauthorized: false }
  if (!isServer) {
    return nodeTls.connect({ ...common, socket, ALPNProtocols: [...earlyMuxers, 'libp2p'] })
  }
  return new TLSSocket(socket, {
    ...common,
    isServer,
    requestCert: true,
    ALPNCallback: ({ protocols }) =>
      earlyMuxers.find((muxer) => protocols.includes(muxer)) ??
      protocols.find((protocol) => protocol === 'libp2p'),
  })
}

/** Until this side verified the peer's Finished. A server's socket emits nothing but 'close' when the peer hangs up. */
async function handshake(tls: TLSSocket, signal?: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onClose = (): void => {
    reject(new InvalidCryptoExchangeError('connection closed during the TLS handshake'))
  }
  const onAbort = (): void => reject(signal?.reason)
  tls.once('secure', resolve)
  tls.once('error', reject)
  tls.once('close', onClose)
  signal?.addEventListener('abort', onAbort)
  try {
    await promise
  } finally {
    tls.off('secure', resolve)
    tls.off('error', reject)
    tls.off('close', onClose)
    signal?.removeEventListener('abort', onAbort)
  }
}
