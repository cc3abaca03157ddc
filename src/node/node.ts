import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { LevelDatastore } from 'datastore-level'
import type { Log } from '../log.ts'
import { capabilityValidator } from '../protocols/capability-dht.ts'
import { cappedDatastore } from '../protocols/dht-datastore.ts'
import type { Network } from '../protocols/network.ts'
import type { Config } from './config.ts'
import { type Control, startControl } from './control/server.ts'
import type { Core, NodeLibp2p } from './core.ts'
import {
  controlSocketPath,
  createDataFolder,
  type DataFolder,
  lockDataFolder,
} from './data-folder.ts'
import { createEvents } from './events.ts'
import { gaterFor } from './gater.ts'
import { type Identity, loadIdentity } from './identity.ts'
import { createNodeLibp2p, listen } from './libp2p.ts'
import { countEvents } from './metrics/count-events.ts'
import { createMeters, type Meters } from './metrics/meters.ts'
import { networkOf } from './network-of.ts'
import { createNetworkParts, createParts, type Parts } from './parts.ts'
import { routes, servicesOf, topics } from './roles.ts'
import { runServices, type Service } from './service.ts'
import { openStore } from './store.ts'

export interface NodeOptions {
  readonly log: Log
  /** The node lives for one command: it asks the DHT without serving it, and stays out of the data folder's way. */
  readonly ephemeral?: boolean
  /** What runs on it; the services of its roles where nothing else is given. */
  readonly services?: (parts: Parts) => readonly Service[]
  /** Told what its start is at. */
  readonly onStep?: (what: string) => void
}

export interface RunningNode extends AsyncDisposable {
  readonly parts: Parts
  readonly control: Control
  /** The addresses it listens on, each with its PeerId. */
  readonly addrs: readonly string[]
}

/**
 * Brings a node up: folder, key, store, libp2p, then the services of its roles in order and the control API last.
 * Disposing stops them in reverse; a start that fails stops what had started.
 */
export async function createNode(config: Config, options: NodeOptions): Promise<RunningNode> {
  const { log, ephemeral = false, services = servicesOf, onStep } = options
  await using stack = new AsyncDisposableStack()
  onStep?.('opening the data folder')
  const folder = await createDataFolder(config.dataDir)
  stack.use(await lockDataFolder(folder))
  const identity = await loadIdentity(folder.keyFile, log)
  const net = networkOf(config)
  const store = stack.use(await openStore(folder.storeFolder))
  const meters = createMeters()
  const libp2p = await nodeLibp2p(config, { net, identity, folder, ephemeral, meters }, stack)
  const life = new AbortController()
  stack.defer(() => life.abort())
  const { peerId, recordKey: key } = identity
  const events = createEvents(nowMs)
  const hostsOnly = config.roles.includes('miner') && !config.roles.includes('renter')
  countEvents({ events, meters, peerId, hostsOnly }, life.signal)
  const core: Core = { config, net, peerId, key, libp2p, store, events, meters, log, nowMs }
  const network = createNetworkParts(core, life.signal)
  await listen(libp2p, config.listen)
  const isMiner = config.roles.includes('miner')
  onStep?.(
    isMiner ? 'looking at its GPUs, its container engine and its leases' : 'reading its books',
  )
  const parts = await createParts(network, stack)
  stack.use(await runServices(services(parts), (name) => onStep?.(`starting ${name}`)))
  const control = stack.use(
    await startControl({
      parts,
      routes,
      socketPath: await controlSocketPath(config.dataDir),
      apiPort: config.apiPort,
      tokenFile: folder.tokenFile,
      keys: {
        bucket: store.bucket('idempotency'),
        secret: new Uint8Array(hkdfSync('sha256', identity.privateKey.raw, '', 'idempotency', 32)),
      },
      log: log.child('control'),
    }),
  )
  const owned = stack.move()
  return {
    parts,
    control,
    addrs: libp2p.getMultiaddrs().map(String),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const nowMs = Date.now

interface Libp2pNeeds {
  readonly net: Network
  readonly identity: Identity
  readonly folder: DataFolder
  readonly ephemeral: boolean
  readonly meters: Meters
}

async function nodeLibp2p(
  config: Config,
  { net, identity, folder, ephemeral, meters }: Libp2pNeeds,
  stack: AsyncDisposableStack,
): Promise<NodeLibp2p> {
  const datastore = new LevelDatastore(join(folder.path, 'libp2p'))
  await datastore.open()
  stack.defer(() => datastore.close())
  const gater = gaterFor(config.peers)
  const libp2p = await createNodeLibp2p({
    net,
    privateKey: identity.privateKey,
    listen: config.listen,
    announce: config.announce,
    relay: config.roles.includes('relay'),
    dhtClient: ephemeral,
    topics,
    metrics: prometheusMetrics({
      registry: meters.registry,
      collectDefaultMetrics: false,
      statfsLocation: folder.path,
    }),
    ...capabilityValidator(net, { nowMs }),
    datastore: cappedDatastore(datastore, { nowMs }),
    ...(gater === undefined ? {} : { gater }),
  })
  stack.defer(() => libp2p.stop())
  return libp2p
}
