import type { GossipSub } from '@chainsafe/libp2p-gossipsub'
import type { Identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import type { Ping } from '@libp2p/ping'
import type { NowMs } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Network } from '../protocols/network.ts'
import type { RecordKey } from '../protocols/seal.ts'
import type { Config } from './config.ts'
import type { Events } from './events.ts'
import type { Meters } from './metrics/meters.ts'
import type { Store } from './store.ts'

export type NodeLibp2p = Libp2p<{
  identify: Identify
  ping: Ping
  dht: KadDHT
  gossip: GossipSub
}>

/** What every service may ask for: a factory destructures the two or three it uses. */
export interface Core {
  readonly config: Config
  readonly net: Network
  /** This node's PeerId as text. */
  readonly peerId: string
  /** The PeerId's ed25519 key: signs records. */
  readonly key: RecordKey
  readonly libp2p: NodeLibp2p
  readonly store: Store
  readonly events: Events
  readonly meters: Meters
  readonly log: Log
  readonly nowMs: NowMs
}
