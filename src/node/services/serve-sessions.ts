import type { Rpc } from '../../protocols/rpc.ts'
import { sessionProtocol } from '../../protocols/session.ts'
import { serveTunnel } from '../../protocols/tunnel.ts'
import { enterLease } from '../leases/enter-lease.ts'
import type { HostBook } from '../leases/host-book.ts'
import { runSession } from '../leases/run-session.ts'
import type { Service } from '../service.ts'

/** Lets the keys that a lease authorizes, and no others, run commands in its container. */
export const serveSessions = ({
  rpc,
  hosting: book,
}: {
  readonly rpc: Rpc
  readonly hosting: HostBook
}): Service => ({
  name: 'serve-sessions',
  start: (signal) =>
    serveTunnel(
      rpc,
      sessionProtocol,
      async (request, channel, caller) => {
        const { peerId, signal: left } = caller
        const { container, closing } = await enterLease(book, request.leaseId, peerId, left)
        await runSession({ container, request, channel, peerId, closing, left })
      },
      signal,
    ),
})
