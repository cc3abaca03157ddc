import {
  type CallOptions,
  Lease,
  type LeaseParts,
  type ReceiptsAnswer,
} from '../../client/lease.ts'
import { filesOf } from '../../client/lease-files.ts'
import type { EvidenceFinding } from '../leases/check-evidence.ts'
import { type LeaseFiles, leaseFiles } from './lease-files.ts'
import type { NodeTransport } from './node-transport.ts'
import { verifyReceipts } from './verify.ts'

/** A lease, with what only a program of Node's can do: files of this machine, and evidence checked in this process. */
export class LeaseHere extends Lease {
  override readonly files: LeaseFiles

  constructor(parts: LeaseParts, transport: Pick<NodeTransport, 'frames'>) {
    super(parts)
    const life = (signal: AbortSignal | undefined) => this.life(signal)
    this.files = {
      ...leaseFiles({
        path: this.path,
        view: () => this.view,
        frames: (path, signal) => transport.frames(path, signal),
        life,
      }),
      list: filesOf({ ...this.place, life }).list,
    }
  }

  /** What it cost, receipt by receipt, as the node checked it. */
  override receipts(
    options?: CallOptions & { readonly verify?: false | undefined },
  ): Promise<ReceiptsAnswer>
  /** With `verify`, all of it is checked once more in this process, from the signed bytes alone. */
  override receipts(
    options: CallOptions & { readonly verify: boolean },
  ): Promise<ReceiptsAnswer & { readonly check: EvidenceFinding }>
  override async receipts({
    verify = false,
    ...options
  }: CallOptions & { readonly verify?: boolean | undefined } = {}): Promise<
    ReceiptsAnswer & { readonly check?: EvidenceFinding }
  > {
    const answer = await super.receipts(options)
    return verify ? { ...answer, check: await verifyReceipts(answer.evidence) } : answer
  }
}
