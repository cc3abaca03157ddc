import type { Codec } from './codec.ts'

export interface ProtocolLimits {
  readonly requestBytes: number
  readonly responseBytes: number
  /** From request to the end of the answer (for a stream: to its first item). */
  readonly timeoutMs: number
  /** Requests one peer may make; the answer beyond it is REFUSED_QUOTA. */
  readonly perPeerPerMinute: number
}

/** One request/response protocol: everything two peers must agree on, and nothing else. */
export interface Protocol<Req, Res> {
  /** The middle of its wire name, e.g. `lease` (DESIGN.md, "Names on the wire"). */
  readonly name: string
  readonly request: Codec<Req>
  readonly response: Codec<Res>
  readonly limits: ProtocolLimits
}

export const defineProtocol = <Req, Res>(protocol: Protocol<Req, Res>): Protocol<Req, Res> =>
  Object.freeze(protocol)
