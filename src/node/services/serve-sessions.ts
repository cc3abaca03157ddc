import type { Rpc } from '../../protocols/rpc.ts'
import { sessionProtocol } from '../../protocols/session.ts'
import { serveTunnel } from '../../protocols/tunnel.ts'
import { enterLease } from '../leases/enter-lease.ts'
import type { HostBook } from '../leases/host-book.ts'
import { runSession } from '../leases/run-session.ts'
import { createKeptShells } from '../leases/sessions/kept-shells.ts'
import { createKeptSnapshots } from '../leases/sessions/kept-snapshots.ts'
import type { Service } from '../service.ts'

/** Lets the keys that a lease authorizes, and no others, run commands in its container. */
export const serveSessions = ({
  rpc,
  hosting: book,
  shellGraceMs,
  snapshotGraceMs,
}: {
  readonly rpc: Rpc
  readonly hosting: HostBook
  /** How long a shell waits for its renter; SHELL_GRACE_MS when absent. */
  readonly shellGraceMs?: number
  /** How long a snapshot does; SNAPSHOT_GRACE_MS when absent. */
  readonly snapshotGraceMs?: number
}): Service => {
  const shells = createKeptShells({ log: book.log, graceMs: shellGraceMs })
  const snapshots = createKeptSnapshots({ log: book.log, graceMs: snapshotGraceMs })
  return {
    name: 'serve-sessions',
    start: (signal) =>
      serveTunnel(
        rpc,
        sessionProtocol,
        async (request, channel, caller) => {
          const { peerId, signal: left } = caller
          const { container, closing } = await enterLease(book, request.leaseId, peerId, left)
          const { maxSnapshotBytes } = book
          const run = { container, request, channel, peerId, shells, snapshots, closing, left }
          await runSession({ ...run, maxSnapshotBytes })
        },
        signal,
      ),
    stop: async () => void (await Promise.all([shells.close(), snapshots.close()])),
  }
}
