// What `import … from 'compute-node'` gives.

export type { LeaseDirectory } from '../../api/lease-files.ts'
export type { Lease as LeaseView } from '../../api/leases.ts'
export type { Offer } from '../../api/offers.ts'
export type { NodeStatus } from '../../api/status.ts'
export type { ByteStream } from '../../client/byte-stream.ts'
export type {
  AttestationRow,
  EventsOptions,
  NodeEvent,
  PeerRow,
  ScoreRow,
} from '../../client/compute-node.ts'
export {
  ComputeNodeError,
  isBadRequest,
  isExit,
  isLeaseEnded,
  isNotFound,
  isOutcomeUnknown,
  isRefused,
  isUnreachable,
} from '../../client/errors.ts'
export type { Ask } from '../../client/http-client.ts'
export type { CallOptions, ExtendOptions, WaitOptions } from '../../client/lease.ts'
export type { FileContent, FileOptions } from '../../client/lease-files.ts'
export type {
  LeaseProcess,
  ProcessInput,
  ProcessOutput,
  Signal,
} from '../../client/lease-process.ts'
export type {
  ExecOptions,
  ForwardedPort,
  ForwardOptions,
  LeaseShell,
  LogPiece,
  LogsOptions,
  ShellOptions,
} from '../../client/lease-sessions.ts'
export type { OfferChange, SearchOptions, WatchOptions } from '../../client/offers.ts'
export type { RentOptions, RentProgress, WantedVolume } from '../../client/rent.ts'
export type { CopyResult } from '../copy/copy-job.ts'
export type { EvidenceFinding } from '../leases/check-evidence.ts'
export type { TranscriptFinding } from '../verify-transcript.ts'
export { type ConnectOptions, connect, type StartOptions } from './connect.ts'
export type { CopyOptions, CopyProgress, LeaseFiles } from './lease-files.ts'
export type { LeaseHere as Lease } from './lease-here.ts'
export type { NodeHere as ComputeNode } from './node-here.ts'
export { untilInterrupted } from './until-interrupted.ts'
export { verifyReceipts, verifyTranscript } from './verify.ts'
