import { statfs } from 'node:fs/promises'
import { timeOf } from '../../beacon.ts'
import type { Core } from '../core.ts'
import { packageVersion } from '../package-version.ts'
import type { Parts } from '../parts.ts'
import type { Meters } from './meters.ts'

const none = {}

/** What every node shows: itself, its peers, and what it holds of the market. */
export async function collectNode(parts: Parts): Promise<void> {
  const { core, readiness } = parts
  const { meters, config, net } = core
  const [version, network] = [packageVersion(), net.name]
  for (const role of config.roles.length === 0 ? ['none'] : config.roles) {
    meters.set('compute_node_info', { version, network, role }, 1)
  }
  for (const [check, missing] of readiness.checks()) {
    meters.set('compute_node_ready', { check }, missing.length === 0 ? 1 : 0)
  }
  collectPeers(core)
  collectBooks(parts)
  collectClock(parts)
  const { bavail, blocks, bsize } = await statfs(config.dataDir)
  meters.set('compute_node_disk_free_bytes', none, bavail * bsize)
  meters.set('compute_node_disk_size_bytes', none, blocks * bsize)
}

function collectPeers({ libp2p, meters }: Core): void {
  const connections = libp2p.getConnections()
  meters.set('compute_node_peers', none, libp2p.getPeers().length)
  for (const direction of ['inbound', 'outbound'] as const) {
    const those = connections.filter((one) => one.direction === direction)
    const relayed = those.filter(({ limits }) => limits !== undefined).length
    setConnections(meters, direction, 'relayed', relayed)
    setConnections(meters, direction, 'direct', those.length - relayed)
    const streams = connections
      .flatMap((one) => one.streams)
      .filter((stream) => stream.direction === direction)
    meters.set('compute_node_streams', { direction }, streams.length)
  }
  const { gossip, dht } = libp2p.services
  meters.clear('compute_node_gossip_mesh_peers')
  for (const name of gossip.getTopics()) {
    const topic = name.split('/')[3] ?? name // its wire name: docs/wire.md
    meters.set('compute_node_gossip_mesh_peers', { topic }, meshOf(gossip, name))
  }
  const { routingTable } = dht as unknown as { readonly routingTable?: { readonly size: number } }
  meters.set('compute_node_dht_peers', none, routingTable?.size ?? 0)
}

/** What the libraries keep and their types do not name. */
const meshOf = (gossip: unknown, topic: string): number =>
  (gossip as { readonly mesh: ReadonlyMap<string, ReadonlySet<string>> }).mesh.get(topic)?.size ?? 0

const setConnections = (meters: Meters, direction: string, kind: string, count: number): void =>
  meters.set('compute_node_connections', { direction, kind }, count)

function collectBooks({ core: { meters }, offers, capabilities, proving }: Parts): void {
  meters.set('compute_node_offers', none, offers.standing().length)
  meters.set('compute_node_capabilities', none, capabilities.all().length)
  meters.set('compute_node_attestations', none, proving?.attestations.size() ?? 0)
  meters.set('compute_node_fraud_proofs', none, proving?.frauds.proofs().length ?? 0)
}

function collectClock({ core: { meters }, pulses, preflight, minerChecks }: Parts): void {
  const newest = pulses?.newest()
  if (pulses !== undefined && newest !== undefined) {
    const atMs = timeOf(pulses.beacon, newest.round)
    meters.set('compute_node_pulse_timestamp_seconds', none, atMs / 1000)
  }
  const fault = pulses?.clockFault()
  for (const direction of ['behind', 'ahead'] as const) {
    meters.set('compute_node_clock_wrong', { direction }, fault === direction ? 1 : 0)
  }
  const found = [...(minerChecks?.findings() ?? []), ...(preflight?.findings() ?? [])]
  const failing = found.filter(({ ok }) => !ok)
  const needed = failing.filter(({ required }) => required).length
  meters.set('compute_node_checks_failing', { required: 'yes' }, needed)
  meters.set('compute_node_checks_failing', { required: 'no' }, failing.length - needed)
}
