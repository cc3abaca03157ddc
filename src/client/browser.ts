import { type ComputeNode, createComputeNode } from './compute-node.ts'
import { Lease } from './lease.ts'
import { webTransport } from './web-transport.ts'

export type {
  AttestationRow,
  ComputeNode,
  EventsOptions,
  NodeEvent,
  PeerRow,
  ScoreRow,
} from './compute-node.ts'

export interface BrowserConnectOptions {
  /** Where the node serves its control API; the page's own origin where absent. */
  readonly url?: string | undefined
  /** A scoped token for requests; sockets are opened by the session cookie alone. */
  readonly token?: string | undefined
  /** What all leases taken through this connection may cost together, as a decimal. */
  readonly budget?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Connects a page to the node that serves it. A node answers pages of its own origin only. */
export function connect(options: BrowserConnectOptions = {}): ComputeNode {
  const { budget, signal, ...place } = options
  const transport = webTransport(place)
  return createComputeNode({ transport, budget, signal, leaseOf: (parts) => new Lease(parts) })
}
