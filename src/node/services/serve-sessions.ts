import type { Rpc } from '../../protocols/rpc.ts'
import { sessionProtocol } from '../../protocols/session.ts'
import { serveTunnel } from '../../protocols/tunnel.ts'
import { enterLease } from '../leases/enter-lease.ts'
import type { HostBook, HostedNow } from '../leases/host-book.ts'
import { runSession } from '../leases/run-session.ts'
import { createKeptShells } from '../leases/sessions/kept-shells.ts'
import { createKeptSnapshots } from '../leases/sessions/kept-snapshots.ts'
import type { LeaseFacts } from '../leases/sessions/session-run.ts'
import type { OwnGpus } from '../own-gpus.ts'
import type { Service } from '../service.ts'

/** Lets the keys that a lease authorizes, and no others, run commands in its container. */
export const serveSessions = ({
  rpc,
  hosting: book,
  gpus,
  shellGraceMs,
  snapshotGraceMs,
}: {
  readonly rpc: Rpc
  readonly hosting: HostBook
  /** Where this machine's devices stand; nothing is told of them without it. */
  readonly gpus?: Pick<OwnGpus, 'standings'> | undefined
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
          const { container, closing, now } = await enterLease(book, request.leaseId, peerId, left)
          const { maxSnapshotBytes } = book
          const lease = factsOf(now, gpus)
          const run = {
            container,
            lease,
            request,
            channel,
            peerId,
            shells,
            snapshots,
            closing,
            left,
          }
          await runSession({ ...run, maxSnapshotBytes })
        },
        signal,
      ),
    stop: async () => void (await Promise.all([shells.close(), snapshots.close()])),
  }
}

/** As they are whenever they are asked for: an extension changes terms, a look the disk. */
const factsOf = (now: HostedNow, gpus: Pick<OwnGpus, 'standings'> | undefined): LeaseFacts => ({
  get terms() {
    return now.terms
  },
  get diskUsedMiB() {
    return now.diskUsedMiB
  },
  gpus: () => gpus?.standings().map(({ sample }) => sample) ?? [],
})
