import type { Container } from '../../../containers/engine.ts'
import type { GpuSample } from '../../../gpu/telemetry.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import type { SessionRequest } from '../../../protocols/session.ts'
import type { HostedNow } from '../host-book.ts'
import type { KeptShells } from './kept-shells.ts'
import type { KeptSnapshots } from './kept-snapshots.ts'

/** What a session may tell of its lease. */
export interface LeaseFacts extends Pick<HostedNow, 'terms' | 'diskUsedMiB'> {
  /** What is measured of this machine's devices, the lease's and others. */
  gpus(): readonly GpuSample[]
}

/** What the miner's end of one session works with. */
export interface SessionRun<R extends SessionRequest = SessionRequest> {
  readonly container: Container
  readonly request: R
  /** What was agreed, and what else the miner knows of what the lease uses. */
  readonly lease: LeaseFacts
  /** Using it accepts the session; what is thrown before refuses it. */
  readonly channel: FrameChannel
  /** The PeerId of who opened it: the lease authorizes it. */
  readonly peerId: string
  /** Aborts when the lease begins to end; its reason is for the renter. */
  readonly closing: AbortSignal
  /** Terminals that outlive their renter's connection. */
  readonly shells: KeptShells
  /** Snapshots that outlive their renter's connection. */
  readonly snapshots: KeptSnapshots
  /** The most a snapshot may have; MAX_SNAPSHOT_BYTES when absent. */
  readonly maxSnapshotBytes?: number | undefined
  /** Aborts when the renter leaves or the connection breaks. */
  readonly left: AbortSignal
}
