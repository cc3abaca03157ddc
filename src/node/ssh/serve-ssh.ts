import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import { MiB } from '../../units.ts'
import { serveSession } from './serve-session.ts'
import { serveTcp } from './serve-tcp.ts'
import type { SshLease } from './ssh-lease.ts'

/** The cheapest that both have: the bytes only cross a pipe between two processes of one user. */
const CIPHERS = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr'] as const
const KEY_EXCHANGES = ['curve25519-sha256', 'ecdh-sha2-nistp256'] as const

/**
 * An SSH server for one client on `transport`, whose user is who started it, so nobody is asked for a key: shells,
 * commands and SFTP run in the lease, direct TCP connections lead to its ports (notes/containers.md §6). The miner sees
 * sessions and no SSH. Resolves when the client has left.
 */
export function serveSsh(transport: Duplex, hostKey: string, lease: SshLease): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const server = new ssh2.Server(
    {
      hostKeys: [hostKey],
      ident: 'compute-node',
      algorithms: { cipher: [...CIPHERS], kex: [...KEY_EXCHANGES] },
      highWaterMark: MiB,
    },
    (connection) => {
      connection.on('authentication', (attempt) => attempt.accept())
      connection.on('session', (accept) => serveSession(accept(), lease))
      connection.on('tcpip', (accept, refuse, { destIP, destPort }) =>
        serveTcp(lease, { host: destIP, port: destPort }, accept, refuse),
      )
      connection.once('error', reject)
      connection.on('error', () => undefined) // the first one tells why
      connection.once('close', resolve)
    },
  )
  // A client that is killed says no goodbye, and a transport of two pipes does not close by itself as a socket does.
  transport.once('end', () => transport.destroy())
  server.injectSocket(asSocket(transport))
  return promise
}

/** What the library asks of a socket. */
const asSocket = (transport: Duplex) =>
  Object.assign(transport, {
    setNoDelay: () => transport,
    remoteAddress: '127.0.0.1',
    remotePort: 0,
    remoteFamily: 'IPv4',
  }) as unknown as Parameters<ssh2.Server['injectSocket']>[0]
