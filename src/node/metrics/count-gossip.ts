import type { GossipVerdict } from '../../metrics.ts'
import type { Meters } from './meters.ts'

/** Counts what gossip messages were found to be. */
export const countGossip =
  (meters: Meters) =>
  (topic: string, verdict: GossipVerdict): void =>
    meters.count('compute_node_gossip_messages_total', { topic, verdict })
