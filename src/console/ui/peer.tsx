import { Copyable } from './copyable.tsx'
import { shortPeer } from './format.ts'

/** A PeerId, shortened, to copy whole. */
export function Peer({ id, what = 'peer id' }: { id: string; what?: string }) {
  return <Copyable text={id} shown={shortPeer(id)} what={what} />
}
