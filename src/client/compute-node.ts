import type { Lease as LeaseView } from '../api/leases.ts'
import type { PeerRow as ToldPeer } from '../api/network.ts'
import type { Offer } from '../api/offers.ts'
import type { Fixed } from '../api/route.ts'
import type {
  AttestationRow as ToldAttestation,
  ScoreRow as ToldScore,
  ScoreDetail as ToldScoreDetail,
} from '../api/scores.ts'
import type { NodeStatus } from '../api/status.ts'
import { createBudget } from './budget.ts'
import { type Ask, createHttpClient, type HttpClient } from './http-client.ts'
import type { CallOptions, Lease, LeaseParts } from './lease.ts'
import {
  type OfferChange,
  type SearchOptions,
  searchOffers,
  type WatchOptions,
  watchOffers,
} from './offers.ts'
import { type RentOptions, rentLease } from './rent.ts'
import type { Transport } from './transport.ts'

/** Something that happened in the node, with fields of its kind (docs/api.md). */
export interface NodeEvent {
  readonly event: string
  readonly atMs: number
  readonly [field: string]: string | number | boolean | null | undefined
}

export interface EventsOptions extends CallOptions {
  /** Only events of these names. */
  readonly event?: string | readonly string[] | undefined
}

/** A row of the API's table, to read; a newer node may tell more of it. */
type Row<Told> = Fixed<Told> & { readonly [field: string]: unknown }

/** What a validator says of one device in one slot. */
export type AttestationRow = Row<ToldAttestation>

/** One peer that the node is connected to. */
export type PeerRow = Fixed<ToldPeer>

/** The score of one miner: what both the list and its explanation tell. */
export type ScoreRow = Row<Pick<ToldScore, keyof ToldScore & keyof ToldScoreDetail>>

/**
 * A node that is connected to. Disposing it ends everything that was begun through it, and stops the leases that were
 * taken through it and are neither kept nor over.
 */
export interface ComputeNode<L extends Lease = Lease> extends AsyncDisposable {
  readonly offers: {
    /** The standing offers that match, best first; BAD_CONFIG_QUERY when the query cannot be read. */
    search(query?: string, options?: SearchOptions): Promise<Offer[]>
    /** Every offer that matches is `added` first; then what changes, until the signal aborts. */
    watch(options?: WatchOptions): AsyncIterable<OfferChange>
  }
  /**
   * Takes the first offer that can be had and resolves once the lease runs.
   * @throws NOTHING_MATCHED, REFUSED_…, PEER_…; FAILED_LEASE_ENDED when it did not start
   */
  rent(options?: RentOptions): Promise<L>
  readonly leases: {
    /** Leases of this node, newest first; their handles keep them. */
    list(options?: CallOptions & { readonly running?: boolean | undefined }): Promise<L[]>
    /** By its id or a beginning of it; the handle keeps it. NOTHING_MATCHED where there is none. */
    get(id: string, options?: CallOptions): Promise<L>
  }
  /** Testimony that the node knows, newest slot first. */
  attestations(
    options?: CallOptions & {
      readonly peer?: string | undefined
      readonly limit?: number | undefined
    },
  ): Promise<AttestationRow[]>
  readonly transcripts: {
    /** The proof behind a verdict, by its content id; NOTHING_MATCHED when nobody has it. */
    get(id: string, options?: CallOptions): Promise<Uint8Array<ArrayBuffer>>
  }
  readonly scores: {
    /** All miners, best first. */
    list(options?: CallOptions): Promise<Row<ToldScore>[]>
    /** One miner, by PeerId or hotkey, term by term. */
    explain(peer: string, options?: CallOptions): Promise<Row<ToldScoreDetail>>
  }
  peers(options?: CallOptions): Promise<PeerRow[]>
  status(options?: CallOptions): Promise<NodeStatus>
  /** What happens in the node: recent events, then new ones, until the signal aborts. */
  events(options?: EventsOptions): AsyncIterable<NodeEvent>
  /** Any resource of the control API that has no method here (docs/api.md). */
  ask<T>(ask: Ask): Promise<T>
}

export interface ComputeNodeOptions<L extends Lease> {
  readonly transport: Transport
  /** What all leases taken through this connection may cost together, as a decimal. */
  readonly budget?: string | undefined
  /** Ends everything that was begun through it. */
  readonly signal?: AbortSignal | undefined
  readonly leaseOf: (parts: LeaseParts) => L
}

/** A node behind any transport. */
export function createComputeNode<L extends Lease = Lease>(
  options: ComputeNodeOptions<L>,
): ComputeNode<L> & { readonly life: AbortSignal } {
  const http = createHttpClient(options.transport)
  const closed = new AbortController()
  const { signal } = options
  const life = signal === undefined ? closed.signal : AbortSignal.any([closed.signal, signal])
  const budget = options.budget === undefined ? undefined : createBudget(http, options.budget, life)
  const open = new Set<AsyncDisposable>()
  /** Each winds up what it had agreed when it is aborted. */
  const pending = new Set<Promise<L>>()
  const leaseOf = (view: LeaseView, keep: boolean): L => {
    const onDisposed = (lease: AsyncDisposable): void => void open.delete(lease)
    const lease = options.leaseOf({ http, view, keep, life, budget, onDisposed })
    if (!keep) open.add(lease)
    return lease
  }
  const own = (given: AbortSignal | undefined): AbortSignal =>
    given === undefined ? life : AbortSignal.any([given, life])
  const living = <O extends CallOptions>(given: O) => ({ ...given, signal: own(given.signal) })
  return {
    life,
    offers: {
      search: (query = '', asked = {}) => searchOffers(http, query, living(asked)),
      watch: (asked = {}) => watchOffers(http, living(asked)),
    },
    rent(asked = {}) {
      const renting = rentLease({ http, life, budget, leaseOf }, asked)
      pending.add(renting)
      const done = (): void => void pending.delete(renting)
      renting.then(done, done)
      return renting
    },
    leases: {
      async list({ running = false, ...asked } = {}) {
        const views = await listed<LeaseView>(http, '/v1/leases', living(asked))
        return views.filter(({ over }) => !running || !over).map((view) => leaseOf(view, true))
      },
      async get(id, asked = {}) {
        const path = `/v1/leases/${encodeURIComponent(id)}`
        return leaseOf(await http.ask<LeaseView>({ path, ...living(asked) }), true)
      },
    },
    attestations: ({ signal: given, ...query } = {}) =>
      listed<AttestationRow>(http, '/v1/attestations', { query, signal: own(given) }),
    transcripts: {
      async get(id, asked = {}) {
        const path = `/v1/transcripts/${encodeURIComponent(id)}`
        const { base64 } = await http.ask<{ readonly base64: string }>({ path, ...living(asked) })
        return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
      },
    },
    scores: {
      list: (asked = {}) => listed<Row<ToldScore>>(http, '/v1/scores', living(asked)),
      explain: (peer, asked = {}) =>
        http.ask({ path: `/v1/scores/${encodeURIComponent(peer)}`, ...living(asked) }),
    },
    peers: (asked = {}) => listed<PeerRow>(http, '/v1/peers', living(asked)),
    status: (asked = {}) => http.ask({ path: '/v1/status', ...living(asked) }),
    events: (asked = {}) => eventsOf(http, living(asked)),
    ask: (asked) => http.ask(living(asked)),
    async [Symbol.asyncDispose]() {
      closed.abort(new DOMException('the connection to the node was closed', 'AbortError'))
      await Promise.allSettled(pending)
      const ended = await Promise.allSettled([...open].map((lease) => lease[Symbol.asyncDispose]()))
      for (const one of ended) if (one.status === 'rejected') throw one.reason
    },
  }
}

const listed = <Item>(
  http: HttpClient,
  path: string,
  asked: Pick<Parameters<HttpClient['ask']>[0], 'query' | 'signal'>,
): Promise<Item[]> => Array.fromAsync(http.items<Item>({ path, ...asked }))

async function* eventsOf(
  http: HttpClient,
  { event, signal }: EventsOptions,
): AsyncGenerator<NodeEvent, void, void> {
  const names = event === undefined ? undefined : [event].flat()
  const query = names === undefined ? {} : { event: names.join(',') }
  for await (const one of http.events({ path: '/v1/events', query, signal })) {
    if (names === undefined || names.includes(one.event)) yield one.data as NodeEvent
  }
}
