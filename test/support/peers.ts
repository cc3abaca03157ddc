import { noise } from '@chainsafe/libp2p-noise'
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, ConnectionEncrypter, Libp2p, PrivateKey } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { onTestFinished } from 'vitest'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import { boundedRelay } from '../../src/protocols/bounded-relay.ts'
import { boundedYamux } from '../../src/protocols/duplex.ts'
import { nativeTls } from '../../src/protocols/native-tls.ts'
import { createNetwork, type Network } from '../../src/protocols/network.ts'
import { createRpc, type Rpc, type RpcOptions } from '../../src/protocols/rpc.ts'

/** What libp2p calls with its components to make an encrypter. */
// biome-ignore lint/suspicious/noExplicitAny: each encrypter asks for other components
export type Encrypter = (components: any) => ConnectionEncrypter

export interface PeerOptions {
  readonly key?: PrivateKey
  readonly listen?: readonly string[]
  readonly encrypters?: readonly Encrypter[]
  readonly tcp?: Parameters<typeof tcp>[0]
  /** Serve as a relay that ends each relayed connection after so many bytes. */
  readonly relayBytes?: number
  readonly upgradeTimeoutMs?: number
}

/** A real libp2p node on an ephemeral loopback port; stopped when the test ends. */
export async function createPeer(options: PeerOptions = {}): Promise<Libp2p> {
  const privateKey = options.key ?? (await generateKeyPair('Ed25519'))
  const libp2p = await createLibp2p({
    privateKey,
    addresses: { listen: [...(options.listen ?? ['/ip4/127.0.0.1/tcp/0'])] },
    transports: [tcp(options.tcp), circuitRelayTransport()],
    connectionEncrypters: [...(options.encrypters ?? [nativeTls(), noise()])],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false },
    connectionManager: {
      inboundConnectionThreshold: 1e6,
      maxIncomingPendingConnections: 1000,
      ...(options.upgradeTimeoutMs === undefined
        ? {}
        : { inboundUpgradeTimeout: options.upgradeTimeoutMs }),
    },
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      ...(options.relayBytes === undefined ? {} : { relay: relay(options.relayBytes) }),
    },
  })
  onTestFinished(async () => {
    await libp2p.stop()
  })
  return libp2p as unknown as Libp2p
}

const relay = (bytes: number) =>
  boundedRelay({
    reservations: { defaultDataLimit: BigInt(bytes), defaultDurationLimit: 600_000 },
  })

export const testNetwork = (netuid = 1): Network =>
  createNetwork('local', netuid, new Uint8Array(32).fill(9))

/** A node with its rpc engine. */
export interface RpcPeer {
  readonly libp2p: Libp2p
  readonly rpc: Rpc
  readonly peerId: string
  readonly life: AbortController
}

export async function createRpcPeer(
  options: PeerOptions & { readonly net?: Network; readonly rpc?: Partial<RpcOptions> } = {},
): Promise<RpcPeer> {
  const life = new AbortController()
  onTestFinished(() => life.abort())
  const libp2p = await createPeer(options)
  const rpc = createRpc(libp2p, options.net ?? testNetwork(), {
    log: silent,
    signal: life.signal,
    nowMs: Date.now,
    ...options.rpc,
  })
  return { libp2p, rpc, peerId: libp2p.peerId.toString(), life }
}

/** Two connected peers: `asker` dialed `answerer`. */
export async function createPair(
  options: Parameters<typeof createRpcPeer>[0] = {},
): Promise<{ asker: RpcPeer; answerer: RpcPeer; connection: Connection }> {
  const [asker, answerer] = await Promise.all([createRpcPeer(options), createRpcPeer(options)])
  const connection = await asker.libp2p.dial(answerer.libp2p.getMultiaddrs())
  return { asker, answerer, connection }
}

/** Waits until `condition` holds; throws after `ms`. */
export async function until(condition: () => boolean, ms = 20_000): Promise<void> {
  const endMs = performance.now() + ms
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`still not so after ${ms} ms: ${condition}`)
    await sleep(5)
  }
}
