import { type BeaconInfo, QUICKNET } from '../beacon.ts'
import type { DevLedgerRail } from '../chain/dev-ledger.ts'
import { encodeAddress } from '../chain/ss58.ts'
import { proofSharePpm } from '../gpu/leased-proofs.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import { createDhtRecords, type DhtRecords } from '../protocols/dht.ts'
import { createRpc, type Rpc } from '../protocols/rpc.ts'
import { type Book, joinBooks } from './books.ts'
import { openBoundClaims } from './bound-claims.ts'
import { type BurnBook, createBurnBook } from './burn-book.ts'
import { type Capabilities, createCapabilities } from './capabilities.ts'
import { type ChainLink, createChainLink } from './chain-link.ts'
import { type ChainView, createChainView } from './chain-view.ts'
import type { Config } from './config.ts'
import type { Core } from './core.ts'
import { openDevChain } from './dev-chain.ts'
import { followBinding } from './follow-binding.ts'
import type { GpuProvers } from './gpu-provers.ts'
import type { Hosting } from './hosting.ts'
import { createHosting } from './hosting.ts'
import { createIdleSlots } from './idle-slots.ts'
import type { HostBook } from './leases/host-book.ts'
import { createRentBook, type RentBook } from './leases/rent-book.ts'
import { createLookThread, type LookThread } from './look-thread.ts'
import type { Machine } from './machine.ts'
import { boundMachine } from './machine.ts'
import { createOffers, type Offers } from './offers.ts'
import type { OwnerOf } from './order-book.ts'
import type { OwnDrain } from './own-drain.ts'
import type { OwnGpus } from './own-gpus.ts'
import type { OwnPolicy } from './own-policy.ts'
import type { OwnPrice } from './own-price.ts'
import { createOwnSpending, type OwnSpending } from './own-spending.ts'
import type { Preflight } from './preflight.ts'
import type { ProofRoom } from './proof-room.ts'
import { createProving, type Proving } from './proving.ts'
import type { PulseBook } from './pulse-book.ts'
import { drandSource, openPulseBook } from './pulses.ts'
import { createReadiness, type Readiness } from './readiness.ts'
import { createScores, type Scores } from './scores.ts'
import { windowMsOf } from './scoring/window-age.ts'
import { blocksIn, scoringBlock } from './scoring-block.ts'
import type { PulseSource } from './services/relay-pulses.ts'
import { createTranscriptStore, type TranscriptStore } from './transcript-store.ts'
import type { ValidatorView } from './validator-view.ts'

/** What speaks to peers; made before the node listens, so that nobody finds it deaf. */
export interface NetworkParts {
  readonly core: Core
  readonly rpc: Rpc
  readonly dht: DhtRecords
}

/**
 * The collaborators that services, control routes and the SDK share: made once per node. A factory destructures the
 * two or three it uses. Parts that only some nodes have are undefined elsewhere.
 */
export interface Parts extends NetworkParts {
  readonly capabilities: Capabilities
  readonly offers: Offers
  /** Everything that gossip carries and `sync` repairs. */
  readonly books: readonly Book[]
  readonly transcripts: TranscriptStore
  readonly renting: RentBook
  /** What bounds what it spends. */
  readonly ownSpending: OwnSpending
  /** Looks at what somebody uploads, and simulates, beside the node's own work. */
  readonly look: LookThread
  /** The connection to the chain; undefined for a node that asks none. */
  readonly chainLink: ChainLink | undefined
  readonly chainView: ChainView
  /** Whether what this node needs is there. */
  readonly readiness: Readiness
  /** Alpha that was burned; undefined where scores count none. */
  readonly burns: BurnBook | undefined
  readonly validators: ValidatorView
  /** The beacon's pulses; undefined where none is known, or nothing here depends on them. */
  readonly pulses: PulseBook | undefined
  /** Where pulses come from besides gossip. */
  readonly pulseSource: PulseSource | undefined
  /** What slots need; undefined where no beacon is known. */
  readonly proving: Proving | undefined
  /** What miners earn by the testimony known here; undefined where none is collected. */
  readonly scores: Scores | undefined
  /** The embedded chain's ledger, on local networks. */
  readonly ledger: DevLedgerRail | undefined
  /** What this machine has, as its capability record says. */
  readonly machine: Machine | undefined
  /** A miner's devices, and where they stand. */
  readonly gpus: OwnGpus | undefined
  /** What proves a miner's devices. */
  readonly provers: GpuProvers | undefined
  /** What must hold before a miner's device is announced. */
  readonly preflight: Preflight | undefined
  /** A miner's leases. */
  readonly hosting: HostBook | undefined
  /** Whom a miner rents to, and how its price moves. */
  readonly policy: OwnPolicy | undefined
  /** Whether a miner takes no new leases. */
  readonly drain: OwnDrain | undefined
  /** What a miner asks for now; undefined where no price is set. */
  readonly price: OwnPrice | undefined
  /** What its proofs hold of its devices. */
  readonly room: ProofRoom | undefined
  /** Which of its devices hold the fill that they must hold before they are announced. */
  readonly ownFills: Hosting['ownFills'] | undefined
  /** What they are to hold for slots from one on. */
  readonly toFill: Hosting['toFill'] | undefined
  /** What a miner's machine lacks besides devices. */
  readonly minerChecks: Hosting['minerChecks'] | undefined
}

/**
 * What was burned while the slots were that scores rest on; undefined where blocks tell no time. For those alone that send
 * weights, or are told theirs: it takes two requests for each block of days.
 */
async function openBurnBook(core: Core, beacon: BeaconInfo): Promise<BurnBook | undefined> {
  const { network, netuid } = core.net
  const isConcerned = core.config.roles.some((role) => role === 'validator' || role === 'miner')
  if (!isConcerned) return undefined
  const blocks = blocksIn(windowMsOf(network, slotNetworks[network], beacon.periodMs), network)
  return blocks === undefined ? undefined : createBurnBook({ ...core, netuid, blocks })
}

/** Makes what speaks to peers, over a libp2p that does not listen yet; it ends with `signal`. */
export function createNetworkParts(core: Core, signal: AbortSignal): NetworkParts {
  const { libp2p, net, log, nowMs, events, meters } = core
  const rpc = createRpc(libp2p, net, {
    log: log.child('rpc'),
    signal,
    nowMs,
    onGreeted: ({ peerId }) => events.emit('peer-greeted', { peerId }),
    onRefused: (protocol, peerId, code) =>
      events.emit('request-refused', { protocol, peerId, code }),
    onCall: (protocol, side, outcome, ms) =>
      meters.observe('compute_node_rpc_duration_seconds', { protocol, side, outcome }, ms / 1000),
    onFirstItem: (protocol, side, outcome, ms) =>
      meters.observe('compute_node_rpc_first_item_seconds', { protocol, side, outcome }, ms / 1000),
  })
  const dht = createDhtRecords(libp2p.services.dht, { net, log: log.child('dht'), nowMs })
  return { core, rpc, dht }
}

/** Opens the books, the chain and, for a miner, its machine; what must be let go of is pushed on `stack`. */
export async function createParts(
  network: NetworkParts,
  stack: AsyncDisposableStack,
): Promise<Parts> {
  const { core, rpc, dht } = network
  const { config, net, store, nowMs, log } = core
  const slots = slotNetworks[net.network]
  const life = new AbortController()
  stack.defer(() => life.abort())
  const devChain = await openDevChain(core, stack)
  let view: ChainView | undefined
  const capabilities = await createCapabilities(core, dht, {
    ownerOf: (record) => view?.neuronFor(record)?.hotkey,
  })
  const chainLink = asksChain(config) ? createChainLink(core) : undefined
  if (chainLink !== undefined) stack.defer(() => chainLink.close())
  const chainView = createChainView({
    net,
    log: log.child('chain-view'),
    records: capabilities.all,
    recordOf: capabilities.known,
    revision: capabilities.revision,
    claims: await openBoundClaims(store.bucket('bound-claims')),
  })
  view = chainView
  const isBound = (peerId: string): boolean => chainView.neuronOf(peerId) !== undefined
  const beacon = devChain?.beacon ?? (net.network === 'local' ? undefined : QUICKNET)
  const carries = beacon !== undefined && asksChain(config)
  const pulses = carries ? openPulseBook(core, beacon, stack) : undefined
  const proving =
    pulses === undefined
      ? undefined
      : await createProving({ core, pulses, validators: chainView, isBound }, stack)
  const burns = proving && (await openBurnBook(core, proving.pulses.beacon))
  const scores =
    proving === undefined
      ? undefined
      : createScores({
          core,
          attestations: proving.attestations,
          frauds: proving.frauds,
          witnesses: proving.witnesses,
          beacon: proving.pulses.beacon,
          validators: chainView,
          idleSlots: await createIdleSlots(core),
          burns,
          block: () => {
            const read = chainView.snapshot()
            return read && scoringBlock(read.metagraph, net.network, read.epoch.tempo)
          },
        })
  const offers = await createOffers(core, {
    ownerOf: ownerOf(core, chainLink, chainView),
    standingOf: (offer) => scores?.standingOf(offer) ?? {},
  })
  const ledger = devChain?.ledger
  const ownSpending = await createOwnSpending(core)
  const binding = await followBinding(core, stack, (hotkey) =>
    chainView.snapshot()?.commitments.get(encodeAddress(hotkey)),
  )
  const hosted = {
    ...{ core, beacon: proving?.pulses.beacon, offers, rail: ledger, ...binding },
    embeddedGenesis: devChain?.genesis,
  }
  const hosting = config.roles.includes('miner') ? await createHosting(hosted, stack) : undefined
  return {
    ...network,
    capabilities,
    offers,
    // Testimony before notices: a proof of fraud is believed only about what was testified.
    books: joinBooks([
      ...(proving?.attestations.books ?? []),
      ...offers.books,
      ...(proving === undefined ? [] : [proving.frauds.book]),
    ]),
    transcripts: createTranscriptStore(store, nowMs),
    ownSpending,
    look: stack.use(createLookThread(log.child('look'))),
    renting: createRentBook({
      ...core,
      rpc,
      rail: ledger,
      proofSharePpm: proofSharePpm(slots),
      dailyCap: () => ownSpending.now().maxDailyCost ?? undefined,
    }),
    chainLink,
    chainView,
    readiness: createReadiness({ core, chainLink, hosting: hosting?.book }, life.signal),
    burns,
    validators: chainView,
    pulses,
    pulseSource: devChain?.pulseSource ?? publicSource(core, pulses),
    proving,
    scores,
    ledger,
    machine: hosting?.machine ?? (await boundMachine(core, binding)),
    gpus: hosting?.gpus,
    provers: hosting?.provers,
    preflight: hosting?.preflight,
    hosting: hosting?.book,
    policy: hosting?.policy,
    drain: hosting?.drain,
    price: hosting?.price,
    room: hosting?.room,
    ownFills: hosting?.ownFills,
    toFill: hosting?.toFill,
    minerChecks: hosting?.minerChecks,
  }
}

/** Who proves, checks or relays asks the public beacon itself; a renter hears what it needs from others. */
const publicSource = (core: Core, pulses: PulseBook | undefined): PulseSource | undefined =>
  pulses?.beacon === QUICKNET && core.config.roles.some((role) => role !== 'renter')
    ? drandSource(core)
    : undefined

/**
 * Miners, validators and relays ask the chain, a renter does when it names one: what a node cannot judge it cannot
 * forward, and two peers may have no other neighbour than a relay. A relay of a local network without `--chain` knows
 * none, and carries neither testimony nor pulses.
 */
const asksChain = ({ roles, chain }: Config): boolean =>
  roles.some((role) => role !== 'renter') || chain.length > 0

/** Offers count against the hotkey that bound their peer; where any key may publish, or no chain is asked, against the peer. */
const ownerOf =
  ({ net }: Core, chainLink: ChainLink | undefined, view: ChainView): OwnerOf =>
  (peerId) =>
    view.neuronOf(peerId)?.hotkey ??
    (net.network === 'local' || chainLink === undefined ? peerId : undefined)
