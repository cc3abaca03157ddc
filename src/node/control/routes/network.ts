import { RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2'
import type { Connection, PeerId } from '@libp2p/interface'
import type { FastifyInstance } from 'fastify'
import { type KnownPeer, type NetworkState, overviewRoutes } from '../../../api/overview.ts'
import { timeOf } from '../../../beacon.ts'
import { chainUrlsOf } from '../../chain-link.ts'
import type { Core } from '../../core.ts'
import type { Parts } from '../../parts.ts'
import { addRoute } from '../add-route.ts'

type Needs = Pick<
  Parts,
  'core' | 'capabilities' | 'offers' | 'proving' | 'pulses' | 'chainLink' | 'chainView'
>

/** `GET /v1/network`. */
export function networkRoute(app: FastifyInstance, parts: Needs): void {
  addRoute(app, overviewRoutes.getNetwork, async (): Promise<NetworkState> => {
    const { core, capabilities, offers, proving } = parts
    const { libp2p, config } = core
    const { dht, gossip } = libp2p.services
    // What the libraries have and their types leave out.
    const { routingTable } = dht as unknown as { readonly routingTable: { readonly size: number } }
    const { mesh } = gossip as unknown as {
      readonly mesh: ReadonlyMap<string, ReadonlySet<string>>
    }
    const [peers, chain] = await Promise.all([
      Promise.all(libp2p.getPeers().map((peer) => peerNow(parts, peer))),
      chainNow(parts),
    ])
    return {
      peers: peers.filter((peer) => peer !== undefined),
      relays: relaysOf(core),
      servesRelay: config.roles.includes('relay'),
      topics: gossip.getTopics().map((name) => ({
        name: name.split('/')[3] ?? name, // docs/wire.md
        subscribers: gossip.getSubscribers(name).length,
        mesh: mesh.get(name)?.size ?? 0,
      })),
      dht: { mode: dht.getMode(), peers: routingTable.size },
      held: {
        offers: offers.standing().length,
        capabilities: capabilities.all().length,
        frauds: proving?.frauds.proofs().length ?? 0,
      },
      pulse: pulseNow(parts),
      chain,
    }
  })
}

/** Undefined for one that left meanwhile. */
async function peerNow(
  { core: { libp2p }, capabilities, chainView }: Needs,
  id: PeerId,
): Promise<KnownPeer | undefined> {
  const connections = libp2p.getConnections(id)
  const [first] = connections
  if (first === undefined) return undefined
  const peerId = id.toString()
  const kept = await libp2p.peerStore.get(id).catch(() => undefined) // it may be forgotten already
  const record = capabilities.known(peerId)?.payload
  const agent = kept?.metadata.get('AgentVersion')
  const roles: KnownPeer['roles'] = []
  if (kept?.protocols.includes(RELAY_V2_HOP_CODEC)) roles.push('relay')
  if ((record?.devices.length ?? 0) > 0) roles.push('miner')
  if (chainView.validators().some((one) => one.peerId === peerId)) roles.push('validator')
  return {
    peerId,
    roles,
    addr: first.remoteAddr.toString(),
    direction: first.direction,
    relayed: first.limits !== undefined,
    encryption: first.encryption ?? '',
    muxer: first.multiplexer ?? '',
    connections: connections.length,
    rttMs: rttOf(connections),
    sinceMs: Math.min(...connections.map(({ timeline }) => timeline.open)),
    version: record?.versions.program ?? null,
    agent: agent === undefined ? null : Buffer.from(agent).toString().slice(0, 128),
  }
}

/** The best of those that were measured. */
function rttOf(connections: readonly Connection[]): number | null {
  const measured = connections.flatMap(({ rtt }) => (rtt === undefined ? [] : [Math.round(rtt)]))
  return measured.length === 0 ? null : Math.min(...measured)
}

function relaysOf({ libp2p }: Core): string[] {
  const through = libp2p
    .getMultiaddrs()
    .map(String)
    .flatMap((addr) => /\/p2p\/([^/]+)\/p2p-circuit/.exec(addr)?.[1] ?? [])
  return [...new Set(through)]
}

function pulseNow({ pulses }: Needs): NetworkState['pulse'] {
  const newest = pulses?.newest()
  if (pulses === undefined || newest === undefined) return null
  return { round: newest.round, atMs: timeOf(pulses.beacon, newest.round) }
}

async function chainNow({ core, chainLink, chainView }: Needs): Promise<NetworkState['chain']> {
  if (chainLink === undefined) return null
  const chain = chainLink.current()
  const info = chain?.info()
  const read = chainView.snapshot()
  const rank = info === undefined ? -1 : chainUrlsOf(core).indexOf(info.endpoint)
  return {
    endpoint: info?.endpoint ?? null,
    rank: rank === -1 ? null : rank + 1,
    runtime: info === undefined ? null : `${info.specName} ${info.specVersion}`,
    // An endpoint that does not answer is told by what was read last.
    finalBlock: (await chain?.head().catch(() => undefined))?.number ?? null,
    readBlock: read?.metagraph.block.number ?? null,
    readAtMs: read?.metagraph.timeMs ?? null,
    epoch: read?.epoch.index ?? null,
    blocksLeft: read?.epoch.blocksLeft ?? null,
    neurons: read?.metagraph.neurons.length ?? 0,
    validators: chainView.validators().length,
    bound: chainView.boundPeers().length,
  }
}
