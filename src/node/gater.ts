import type { ConnectionGater } from '@libp2p/interface'

/** Admits connections with these PeerIds only, in either direction; undefined (all are admitted) for an empty list. */
export function gaterFor(peers: readonly string[]): ConnectionGater | undefined {
  if (peers.length === 0) return undefined
  const admitted = new Set(peers)
  const stranger = (peer: { toString(): string }): boolean => !admitted.has(peer.toString())
  return {
    denyDialPeer: stranger,
    denyInboundEncryptedConnection: stranger,
    denyOutboundEncryptedConnection: stranger,
  }
}
