import { hash } from 'node:crypto'
import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { PeerScoreParams } from '@chainsafe/libp2p-gossipsub/score'
import { createPeerScoreParams, createTopicScoreParams } from '@chainsafe/libp2p-gossipsub/score'
import type { PeerId } from '@libp2p/interface'
import { KiB } from '../units.ts'
import type { Network } from './network.ts'
import { type Topic, topicName } from './topic.ts'

/**
 * Message id = SHA-256(u16 big-endian topic length ‖ topic ‖ data). Never the record's id: the seen cache is written
 * before validation, so a copy on another topic would censor the original (DESIGN.md, "Gossip").
 */
export function gossipMessageId(topic: string, data: Uint8Array): Uint8Array {
  const name = Buffer.from(topic)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(name.length)
  return new Uint8Array(hash('sha256', Buffer.concat([length, name, data]), 'buffer'))
}

/** Whether gossip has a stream to a peer: without one it hears that peer and tells it nothing. */
export function sendsTo(gossip: GossipSub, peer: PeerId): boolean {
  // The class has what its type leaves out.
  const { streamsOutbound } = gossip as unknown as { streamsOutbound: ReadonlyMap<string, unknown> }
  return streamsOutbound.has(peer.toString())
}

/** What one RPC may hold; more is a decoding error and costs the sender its stream. */
export const gossipRpcLimits = {
  maxSubscriptions: 64,
  maxMessages: 512,
  maxIhaveMessageIDs: 5000,
  maxIwantMessageIDs: 1000,
  maxIdontwantMessageIDs: 512,
  maxControlMessages: 256,
  maxPeerInfos: 16,
} as const

/** A peer may name 64 topics; each costs its length and about 1 KiB of bookkeeping. */
export const maxTopicBytesPerPeer = 64 * 2 * KiB

/**
 * Explicit scores: a quiet topic is no fault, an invalid message is. Peers that share an address (loopback, NAT) are
 * punished on public networks only, and gently, since carrier-grade NAT looks the same (notes/libp2p.md §2 trap 7).
 */
export function gossipScores(net: Network, topics: readonly Topic[]): PeerScoreParams {
  return createPeerScoreParams({
    IPColocationFactorThreshold: 10,
    IPColocationFactorWeight: net.network === 'local' ? 0 : -1,
    IPColocationFactorWhitelist: new Set(['127.0.0.1', '::1']),
    topics: Object.fromEntries(topics.map((topic) => [topicName(net, topic), topicScore(topic)])),
  })
}

const topicScore = ({ score }: Topic) =>
  createTopicScoreParams({
    topicWeight: score.weight,
    timeInMeshQuantum: 1000,
    timeInMeshCap: 3600,
    timeInMeshWeight: 0.001,
    firstMessageDeliveriesWeight: 1,
    firstMessageDeliveriesDecay: 0.97,
    firstMessageDeliveriesCap: Math.max(10, score.expectedPerMinute),
    // Deliveries below a threshold would punish a quiet market.
    meshMessageDeliveriesWeight: 0,
    meshFailurePenaltyWeight: 0,
    invalidMessageDeliveriesWeight: -50,
    invalidMessageDeliveriesDecay: 0.97,
  })
