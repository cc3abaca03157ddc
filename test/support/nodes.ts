import { gossipsub, StrictNoSign } from '@chainsafe/libp2p-gossipsub'
import type { PeerScoreParams } from '@chainsafe/libp2p-gossipsub/score'
import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import { type KadDHTInit, kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import { gossipMessageId } from '../../src/protocols/gossip.ts'
import { wireName } from '../../src/protocols/network.ts'
import { testNet } from './market.ts'

export type TestNode = Awaited<ReturnType<typeof createTestNode>>

/** A libp2p node on loopback whose parts a test may replace one by one. */
export const createTestNode = (
  options: {
    readonly dht?: Partial<KadDHTInit>
    readonly datastore?: NonNullable<Libp2pOptions['datastore']>
    readonly peerStore?: NonNullable<Libp2pOptions['peerStore']>
    readonly messageId?: typeof gossipMessageId
    readonly scoreParams?: PeerScoreParams
    readonly privateKey?: NonNullable<Libp2pOptions['privateKey']>
  } = {},
) => {
  const { dht = {}, datastore, peerStore, privateKey, scoreParams } = options
  const { messageId = gossipMessageId } = options
  return createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // A busy machine leaves more than ten connections half made, beyond which the library refuses others.
    connectionManager: { inboundConnectionThreshold: 500, maxIncomingPendingConnections: 500 },
    ...(datastore === undefined ? {} : { datastore }),
    ...(peerStore === undefined ? {} : { peerStore }),
    ...(privateKey === undefined ? {} : { privateKey }),
    services: {
      identify: identify(),
      ping: ping(),
      gossip: gossipsub({
        globalSignaturePolicy: StrictNoSign,
        allowPublishToZeroTopicPeers: true,
        emitSelf: false,
        ignoreDuplicatePublishError: true,
        msgIdFn: (message) => messageId(message.topic, message.data),
        ...(scoreParams === undefined ? {} : { scoreParams }),
      }),
      dht: kadDHT({
        protocol: wireName(testNet(), 'kad'),
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        initialQuerySelfInterval: 100,
        ...dht,
      }),
    },
  })
}

/** Waits until `check` holds, looking every 50 ms. */
export async function eventually(
  check: () => boolean | Promise<boolean>,
  what: string,
  forMs = 20_000,
): Promise<void> {
  const endMs = Date.now() + forMs
  while (!(await check())) {
    if (Date.now() > endMs) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const tableSize = (node: TestNode): number =>
  (node.services.dht as unknown as { routingTable: { size: number } }).routingTable.size

/** Dials the first node from all others and waits until everyone's DHT knows somebody. */
export async function connectAll(nodes: readonly TestNode[]): Promise<void> {
  for (const node of nodes.slice(1)) await node.dial(nodes[0]!.getMultiaddrs())
  await eventually(() => nodes.every((node) => tableSize(node) > 0), 'routing tables')
  for (const node of nodes.slice(1)) {
    for (const other of nodes) if (other !== node) await node.dial(other.getMultiaddrs())
  }
  await eventually(
    () => nodes.every((n) => tableSize(n) >= nodes.length - 1),
    'full routing tables',
  )
}
