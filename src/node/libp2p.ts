import { gossipsub, StrictNoSign } from '@chainsafe/libp2p-gossipsub'
import { noise } from '@chainsafe/libp2p-noise'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, PrivateKey } from '@libp2p/interface'
import { kadDHT, passthroughMapper, type Selectors, type Validators } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import type { Datastore } from 'interface-datastore'
import { createLibp2p, type Libp2pOptions as Libp2pInit } from 'libp2p'
import { messageOf, NodeError } from '../errors.ts'
import { boundedRelay } from '../protocols/bounded-relay.ts'
import { PROVIDER_VALIDITY_MS } from '../protocols/dht-datastore.ts'
import { boundedYamux } from '../protocols/duplex.ts'
import {
  gossipMessageId,
  gossipRpcLimits,
  gossipScores,
  maxTopicBytesPerPeer,
} from '../protocols/gossip.ts'
import { nativeTls } from '../protocols/native-tls.ts'
import { type Network, wireName } from '../protocols/network.ts'
import { type Topic, topicName } from '../protocols/topic.ts'
import { GiB, hoursMs, KiB, minutesMs, secondsMs } from '../units.ts'
import type { NodeLibp2p } from './core.ts'

export interface Libp2pOptions {
  readonly net: Network
  readonly privateKey: PrivateKey
  readonly listen: readonly string[]
  readonly announce: readonly string[]
  /** Serve as a circuit relay for nodes behind NAT. */
  readonly relay: boolean
  /** Ask the DHT but do not serve it: nodes that live for one command. */
  readonly dhtClient: boolean
  readonly topics: readonly Topic[]
  readonly validators: Validators
  readonly selectors: Selectors
  readonly datastore?: Datastore
  readonly gater?: ConnectionGater
  /** What the library counts; nothing without it. */
  readonly metrics?: Libp2pInit['metrics']
  /** How long silence may last and how often it is broken; a test makes it short. */
  readonly silence?: Silence
}

/** When a silent connection dies, and what keeps it from being silent (trap 10). */
export interface Silence {
  /** TCP gives a connection up after this long without a byte either way. */
  readonly tcpTimeoutMs: number
  /** Between two pings of the library's monitor, which gives up a connection that does not answer. */
  readonly pingMs: number
  /** How long an answer may take; less than `pingMs`, so that pings rarely run beside each other. */
  readonly pingTimeoutMs: number
  /** Between two of the muxer's keep-alives. */
  readonly keepAliveMs: number
}

/**
 * Said together because they must fit each other. The library pings every 10 s and gives up after 5: a busy machine is
 * silent for so long now and then, and every session on the connection would end with it.
 */
export const SILENCE: Silence = {
  tcpTimeoutMs: minutesMs(2),
  pingMs: secondsMs(30),
  pingTimeoutMs: secondsMs(20),
  keepAliveMs: secondsMs(30),
}

/**
 * The longest one DHT message may take. kad-dht allows a minute, to a peer that hangs again and again: a record is put
 * only after all of the closest peers answered or failed, so one such peer would keep it from everyone.
 */
const DHT_MESSAGE_MS = secondsMs(8)
/** The longest an address is believed; longer than provider records live, or holders reset (trap 13). */
const ADDRESS_AGE_MS = PROVIDER_VALIDITY_MS + hoursMs(24)

/**
 * Creates this participant's libp2p node, not yet listening: `listen` starts it once its protocols are registered.
 * @throws BAD_CONFIG_LISTEN when an address is malformed
 */
export async function createNodeLibp2p(options: Libp2pOptions): Promise<NodeLibp2p> {
  const { net, silence = SILENCE } = options
  const local = net.network === 'local'
  try {
    return (await createLibp2p({
      start: false,
      privateKey: options.privateKey,
      addresses: { listen: [...options.listen], announce: [...options.announce] },
      transports: [tcpWithin(silence.tcpTimeoutMs), circuitRelayTransport()],
      connectionEncrypters: [nativeTls(), noise()],
      streamMuxers: [boundedYamux({ keepAliveMs: silence.keepAliveMs })],
      connectionMonitor: monitorOf(net, silence),
      connectionManager: {
        maxConnections: 300,
        // Trap 8: five dials a second from one address are refused by default; a devnet is one address.
        inboundConnectionThreshold: local ? 500 : 20,
        maxIncomingPendingConnections: local ? 100 : 20,
      },
      peerStore: { maxAddressAge: ADDRESS_AGE_MS, maxPeerAge: ADDRESS_AGE_MS },
      ...(options.datastore === undefined ? {} : { datastore: options.datastore }),
      ...(options.gater === undefined ? {} : { connectionGater: options.gater }),
      ...(options.metrics === undefined ? {} : { metrics: options.metrics }),
      services: services(options),
    })) as unknown as NodeLibp2p
  } catch (cause) {
    throw listenError(cause, options.listen)
  }
}

const tcpWithin = (timeoutMs: number) =>
  tcp({ inboundSocketInactivityTimeout: timeoutMs, outboundSocketInactivityTimeout: timeoutMs })

const monitorOf = (net: Network, { pingMs, pingTimeoutMs }: Silence) => ({
  protocolPrefix: prefixOf(net),
  pingInterval: pingMs,
  pingTimeout: { minTimeout: pingTimeoutMs, maxTimeout: pingTimeoutMs },
})

/**
 * The monitor sends its next ping whether or not the one before is back, and takes a refused stream for a lost peer: with
 * the default of one at a time a busy machine lost peers that were there.
 */
const PINGS_AT_ONCE = { maxInboundStreams: 16, maxOutboundStreams: 16 } as const

/** Identify, ping and the monitor's pings carry the name of the network (trap 12). */
const prefixOf = (net: Network): string => `compute-node/${net.name}`

/**
 * Starts listening.
 * @throws BAD_CONFIG_LISTEN when an address is busy or not of this machine
 */
export async function listen(libp2p: NodeLibp2p, addresses: readonly string[]): Promise<void> {
  try {
    await libp2p.start()
  } catch (cause) {
    throw listenError(cause, addresses)
  }
}

function services(options: Libp2pOptions) {
  const { net } = options
  const protocolPrefix = prefixOf(net)
  return {
    identify: identify({ protocolPrefix, runOnLimitedConnection: true }),
    ping: ping({ protocolPrefix, ...PINGS_AT_ONCE }),
    dht: kadDHT({
      protocol: wireName(net, 'kad'),
      clientMode: options.dhtClient,
      // The default drops private addresses: a local market is made of them, elsewhere nobody may name them.
      ...(net.network === 'local' ? { peerInfoMapper: passthroughMapper } : {}),
      validators: options.validators,
      selectors: options.selectors,
      networkDialTimeout: { maxTimeout: DHT_MESSAGE_MS },
      initialQuerySelfInterval: net.network === 'local' ? 200 : 1000,
    }),
    gossip: gossipsub({
      globalSignaturePolicy: StrictNoSign,
      allowedTopics: options.topics.map((topic) => topicName(net, topic)),
      msgIdFn: (message) => gossipMessageId(message.topic, message.data),
      emitSelf: false,
      allowPublishToZeroTopicPeers: true,
      ignoreDuplicatePublishError: true,
      runOnLimitedConnection: true,
      maxInboundDataLength: 72 * KiB,
      maxTopicBytesPerPeer,
      decodeRpcLimits: gossipRpcLimits,
      scoreParams: gossipScores(net, options.topics),
    }),
    ...(options.relay ? { relay: relayServer() } : {}),
  }
}

/**
 * Explicit, large limits: the defaults end a stream after 128 KiB and look like a clean end, and
 * `applyDefaultLimit: false` closes relayed connections (notes/libp2p.md §4).
 */
const relayServer = () =>
  boundedRelay({
    hopTimeout: 30_000,
    reservations: {
      maxReservations: 256,
      defaultDataLimit: BigInt(64 * GiB),
      defaultDurationLimit: hoursMs(12),
    },
  })

function listenError(cause: unknown, listen: readonly string[]): unknown {
  const text = `${messageOf(cause)} ${messageOf((cause as Error)?.cause)}`
  const addresses = listen.join(', ')
  if (/EADDRINUSE|UnsupportedListen|NoValidAddresses|listen/i.test(text)) {
    return new NodeError('BAD_CONFIG_LISTEN', `cannot listen on ${addresses}: ${reason(text)}`, {
      cause,
      next: 'choose a free port with --listen /ip4/0.0.0.0/tcp/PORT (0 picks one)',
    })
  }
  return cause
}

const reason = (text: string): string =>
  text.includes('EADDRINUSE') ? 'the port is in use' : text.trim()
