import { createDhtRecords, type DhtRecords } from '../protocols/dht.ts'
import { createRpc, type Rpc } from '../protocols/rpc.ts'
import type { Book } from './books.ts'
import { type Capabilities, createCapabilities } from './capabilities.ts'
import type { Core } from './core.ts'
import { createHosting, type Hosting } from './hosting.ts'
import type { HostBook } from './leases/host-book.ts'
import { createRentBook, type RentBook } from './leases/rent-book.ts'
import type { Machine } from './machine.ts'
import { createOffers, type Offers } from './offers.ts'
import { createTranscriptStore, type TranscriptStore } from './transcript-store.ts'

/** What speaks to peers; made before the node listens, so that nobody finds it deaf. */
export interface NetworkParts {
  readonly core: Core
  readonly rpc: Rpc
  readonly dht: DhtRecords
}

/**
 * The collaborators that services, control routes and the SDK share: made once per node. A factory destructures the
 * two or three it uses. Parts that only some roles have are undefined elsewhere.
 */
export interface Parts extends NetworkParts {
  readonly capabilities: Capabilities
  readonly offers: Offers
  /** Everything that gossip carries and `sync` repairs. */
  readonly books: readonly Book[]
  readonly transcripts: TranscriptStore
  readonly renting: RentBook
  /** What a miner has and hosts. */
  readonly machine: Machine | undefined
  readonly hosting: HostBook | undefined
}

/** Makes what speaks to peers, over a libp2p that does not listen yet; it ends with `signal`. */
export function createNetworkParts(core: Core, signal: AbortSignal): NetworkParts {
  const { libp2p, net, log, nowMs, events } = core
  const rpc = createRpc(libp2p, net, {
    log: log.child('rpc'),
    signal,
    nowMs,
    onGreeted: ({ peerId }) => events.emit('peer-greeted', { peerId }),
    onRefused: (protocol, peerId, code) =>
      events.emit('request-refused', { protocol, peerId, code }),
  })
  const dht = createDhtRecords(libp2p.services.dht, { net, log: log.child('dht'), nowMs })
  return { core, rpc, dht }
}

/** Opens the books and, for a miner, its machine; what must be let go of is pushed on `stack`. */
export async function createParts(
  network: NetworkParts,
  stack: AsyncDisposableStack,
): Promise<Parts> {
  const { core, rpc, dht } = network
  const { config, store, nowMs } = core
  const offers = await createOffers(core, { ownerOf: (peerId) => peerId })
  const hosting: Partial<Hosting> = config.roles.includes('miner')
    ? await createHosting({ core, offers }, stack)
    : {}
  return {
    ...network,
    capabilities: await createCapabilities(core, dht),
    offers,
    books: offers.books,
    transcripts: createTranscriptStore(store, nowMs),
    renting: createRentBook({ ...core, rpc }),
    machine: hosting.machine,
    hosting: hosting.book,
  }
}
