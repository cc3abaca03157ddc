import { codeOf, NodeError } from '../errors.ts'
import type { Codec } from './codec.ts'
import type { Peers, Remote } from './peers.ts'
import { createQuota } from './quota.ts'

/** What of a protocol decides whether a request is let in. */
export interface Admitted<Req> {
  readonly name: string
  readonly request: Codec<Req>
  readonly limits: { readonly perPeerPerMinute: number }
}

/**
 * The way in for every request: quota first, then the schema; nothing acts on the bytes before.
 * @throws REFUSED_QUOTA or BAD_MESSAGE, counted
 */
export function createAdmission<Req>(
  peers: Peers,
  { name, request, limits }: Admitted<Req>,
): (from: Remote, body: Uint8Array) => Req {
  const quota = createQuota(limits.perPeerPerMinute, peers.nowMs)
  return (from, body) => {
    try {
      if (!quota.take(from)) throw overQuota(name, limits.perPeerPerMinute)
      return request.decode(body)
    } catch (error) {
      peers.refused(name, from.peerId, codeOf(error))
      throw error
    }
  }
}

const overQuota = (name: string, perMinute: number): NodeError =>
  new NodeError('REFUSED_QUOTA', `more than ${perMinute} ${name} requests a minute`, {
    next: 'wait a minute',
  })
