import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { messageOf, NodeError } from '../../errors.ts'
import { KiB } from '../../units.ts'
import { elsewhere } from './browser-door.ts'
import type { FoundLease } from './find-lease.ts'
import { openSession } from './open-session.ts'
import { pumpSocket } from './pump-socket.ts'
import type { RentBook } from './rent-book.ts'

/** What may wait in this process for a client that is slower than the miner. */
const HIGH_WATER_BYTES = 256 * KiB

export interface ForwardOptions {
  /** An address of this machine, and its port; 0 picks a free one. */
  readonly bind: string
  readonly local: number
  /** In the lease. */
  readonly port: number
  /** Why one connection could not be carried, or broke; the next one is tried all the same. */
  readonly onFailure: (error: unknown) => void
}

/** A listener on this machine whose connections lead into a lease. */
export interface Forward extends AsyncDisposable {
  /** Where it listens. */
  readonly bind: string
  readonly local: number
}

/**
 * Listens, and carries each connection in a tunnel of its own; all of them share the connection to the miner, which is
 * dialled again when it is gone. A browser is sent to `localhost` (browser-door.ts). Disposing ends the listener and
 * what it carries.
 * @throws BAD_CONFIG_PORT when it cannot listen there
 */
export async function forwardPort(
  book: Pick<RentBook, 'rpc'>,
  found: Pick<FoundLease, 'leaseId' | 'miner'>,
  options: ForwardOptions,
): Promise<Forward> {
  const { port, onFailure } = options
  const life = new AbortController()
  const carried = new Set<Promise<void>>()
  const sockets = { allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER_BYTES }
  const server = createServer(sockets, (socket) => {
    const carrying = carry(book, found, { port, socket, signal: life.signal })
      .catch((error) => {
        if (!life.signal.aborted) onFailure(error)
      })
      .finally(() => carried.delete(carrying))
    carried.add(carrying)
  })
  const { address: bind, port: local } = await listening(server, options)
  return {
    bind,
    local,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      life.abort(new NodeError('FAILED', 'no longer forwarded'))
      await Promise.all([closed, ...carried])
    },
  }
}

interface Carried {
  readonly port: number
  readonly socket: Socket
  readonly signal: AbortSignal
}

/** A client that cannot be served sees its connection reset, not a service that has nothing to say. */
async function carry(
  book: Pick<RentBook, 'rpc'>,
  found: Pick<FoundLease, 'leaseId' | 'miner'>,
  { port, socket, signal }: Carried,
): Promise<void> {
  const left = new AbortController()
  const leave = (): void => left.abort(signal.reason ?? new NodeError('FAILED', 'the client left'))
  signal.addEventListener('abort', leave, { once: true })
  socket.once('error', leave)
  socket.on('error', () => undefined) // the pump reports it
  let isAway = false
  const turnAway = (first: Uint8Array): boolean => {
    const answer = elsewhere(first)
    isAway = answer !== undefined
    if (answer !== undefined) socket.end(answer, () => socket.destroy())
    return isAway
  }
  try {
    const channel = await openSession(book, found, { kind: 'port', port }, left.signal)
    try {
      await pumpSocket(socket, channel, 'renter', turnAway)
      await channel.end()
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(messageOf(error)))
      throw error
    }
  } catch (error) {
    if (isAway || (left.signal.aborted && !signal.aborted)) return // nobody is left to tell
    throw error
  } finally {
    signal.removeEventListener('abort', leave)
    if (socket.writableFinished && socket.readableEnded) socket.destroy()
    else if (!isAway) socket.resetAndDestroy()
  }
}

async function listening(
  server: Server,
  { bind, local }: Pick<ForwardOptions, 'bind' | 'local'>,
): Promise<AddressInfo> {
  try {
    await once(server.listen({ host: bind, port: local, exclusive: true }), 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'the port is in use' : messageOf(cause)
    throw new NodeError('BAD_CONFIG_PORT', `cannot listen on ${bind}:${local}: ${why}`, {
      cause,
      next: 'choose another LOCAL port: compute-node forward LEASE LOCAL:PORT (0 picks a free one)',
    })
  }
  return server.address() as AddressInfo
}
