import type { Lease as LeaseView } from '../api/leases.ts'
import { type Budget, spendingKey } from './budget.ts'
import { durationOf } from './duration.ts'
import type { HttpClient } from './http-client.ts'
import type { Lease } from './lease.ts'

/** A folder that outlives its lease. */
export interface WantedVolume {
  readonly name: string
  readonly path: string
  readonly sizeMiB?: number | undefined
  readonly readOnly?: boolean | undefined
}

/** What is wanted of a lease. */
export interface RentOptions {
  /** In the query language of offers (docs/cli.md), or an offer's id; any offer where absent. */
  readonly query?: string | undefined
  /** Fields to order by, the cheapest first where absent; the first offer that can be had is taken. */
  readonly order?: string | undefined
  readonly image?: string | undefined
  /** A login at the image's registry; it travels encrypted, for one pull, and is kept nowhere. */
  readonly registryAuth?:
    | { readonly username: string; readonly password: string }
    | { readonly identitytoken: string }
    | undefined
  /** The main process; without one the container idles. */
  readonly command?: readonly string[] | undefined
  /** How long at most; 1 where absent. */
  readonly hours?: number | undefined
  /** How many GPUs. */
  readonly devices?: number | undefined
  /** The GPUs prove nothing meanwhile, at the offer's price for that. */
  readonly exclusive?: boolean | undefined
  /** Variables of all its processes; they travel encrypted and are kept nowhere. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly labels?: Readonly<Record<string, string>> | undefined
  /** Ports that are meant to be forwarded. */
  readonly ports?: readonly number[] | undefined
  readonly volumes?: readonly WantedVolume[] | undefined
  /** PeerIds that may enter it too. */
  readonly authorized?: readonly string[] | undefined
  /** How far to sign in advance, so that this machine may be away that long; an hour where absent. */
  readonly prepaidMs?: number | undefined
  /** How long to wait in a miner's queue when nothing is free; absent: not at all. */
  readonly waitMs?: number | undefined
  /** Highest price per hour; decimals in the offer's asset, as the caps that follow. */
  readonly maxDph?: string | undefined
  /** The most that it may cost in all, and all leases of the node in a day. */
  readonly maxCost?: string | undefined
  readonly maxDailyCost?: string | undefined
  /** It runs on when its handle is disposed of. */
  readonly keep?: boolean | undefined
  readonly onProgress?: ((progress: RentProgress) => void) | undefined
  /** Ends the wait; what was agreed meanwhile is stopped. */
  readonly signal?: AbortSignal | undefined
}

/** What happens until a lease runs. */
export type RentProgress =
  /** This miner's offer could not be had; the next one is tried. */
  | {
      readonly kind: 'not-taken'
      readonly miner: string
      readonly code: string
      readonly reason: string
    }
  /** A place in a miner's queue; 0: it is our turn. */
  | {
      readonly kind: 'queued'
      readonly miner: string
      readonly position: number
      readonly waiting: number
      readonly etaMs: number | null
    }
  | { readonly kind: 'agreed'; readonly lease: LeaseView }
  /** What the miner is doing, e.g. `pulling IMAGE`. */
  | { readonly kind: 'starting'; readonly doing: string }

interface Parts<L extends Lease> {
  readonly http: HttpClient
  readonly life: AbortSignal
  readonly budget: Budget | undefined
  readonly leaseOf: (view: LeaseView, keep: boolean) => L
}

/** How long an agreement that was begun may take once it is no longer wanted: it must be known to be ended. */
const AGREE_MS = 10_000
const PREPAID_MS = 3_600_000

/**
 * Takes the first offer that can be had and resolves once the lease runs.
 * @throws NOTHING_MATCHED when no offer fits, else what the last miner said; FAILED_LEASE_ENDED when it did not start
 */
export async function rentLease<L extends Lease>(
  parts: Parts<L>,
  options: RentOptions,
): Promise<L> {
  const { keep = false, onProgress = () => undefined, signal: given } = options
  const signal = given === undefined ? parts.life : AbortSignal.any([given, parts.life])
  signal.throwIfAborted()
  const place = () => placed(parts, options, onProgress, signal)
  const { budget } = parts
  const view = await (budget === undefined ? place() : budget.inTurn(place))
  const lease = parts.leaseOf(view, keep)
  try {
    signal.throwIfAborted()
    onProgress({ kind: 'agreed', lease: view })
    const told = (doing: string): void => onProgress({ kind: 'starting', doing })
    await lease.wait({ until: 'running', signal, onProgress: told })
    return lease
  } catch (error) {
    // What nobody waits for is neither pulled nor paid.
    if (!lease.view.over) await cancelled(parts.http, lease.id)
    throw error
  }
}

/** Not bound to the caller's signal: that has aborted. */
const cancelled = (http: HttpClient, id: string): Promise<unknown> =>
  http.ask({
    method: 'POST',
    path: `/v1/leases/${id}/stop`,
    body: { reason: 'cancelled by the renter' },
    signal: AbortSignal.timeout(AGREE_MS),
  })

async function placed<L extends Lease>(
  { http, budget }: Parts<L>,
  options: RentOptions,
  onProgress: (progress: RentProgress) => void,
  signal: AbortSignal,
): Promise<LeaseView> {
  const name = spendingKey()
  const most = await budget?.most(options.maxCost)
  const body = { ...wishOf(options), ...(most === undefined ? {} : { maxCost: most }), name }
  // A place in a queue is given up at once; an agreement under way is seen to its end.
  using late = options.waitMs === undefined ? delayed(signal, AGREE_MS) : passed(signal)
  const told = new AbortController()
  const telling =
    options.onProgress === undefined ? undefined : tell(http, name, onProgress, told.signal)
  try {
    const path = '/v1/leases'
    const asked = { method: 'POST', path, body, idempotencyKey: name, signal: late.signal } as const
    const view = await http.askAgain<LeaseView>(asked)
    budget?.count(view)
    return view
  } finally {
    told.abort()
    await telling
  }
}

function wishOf({
  hours = 1,
  prepaidMs = PREPAID_MS,
  keep: _,
  onProgress: __,
  signal: ___,
  ...wish
}: RentOptions): object {
  return { ...wish, prepaidMs, durationMs: durationOf(hours) }
}

/** Tells what happens to an order before it is granted. That this cannot be told fails no order. */
async function tell(
  http: HttpClient,
  name: string,
  onProgress: (progress: RentProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = { event: 'offer-not-taken,queue-place' }
  const events = http.events({ path: '/v1/events', query, signal })
  try {
    for await (const { event, data } of events) {
      const fields = data as Readonly<Record<string, string | number | null>>
      if (fields['order'] !== name) continue
      const progress = progressOf(event, fields)
      if (progress !== undefined) onProgress(progress)
    }
  } catch {
    // The order itself fails with what is wrong with the node.
  }
}

function progressOf(
  event: string,
  fields: Readonly<Record<string, string | number | null>>,
): RentProgress | undefined {
  const miner = String(fields['miner'])
  if (event === 'offer-not-taken') {
    return {
      kind: 'not-taken',
      miner,
      code: String(fields['code']),
      reason: String(fields['reason']),
    }
  }
  if (event !== 'queue-place') return undefined
  const etaMs = typeof fields['etaMs'] === 'number' ? fields['etaMs'] : null
  const [position, waiting] = [Number(fields['position']), Number(fields['waiting'])]
  return { kind: 'queued', miner, position, waiting, etaMs }
}

interface Late extends Disposable {
  readonly signal: AbortSignal
}

const passed = (signal: AbortSignal): Late => ({ signal, [Symbol.dispose]: () => undefined })

/** Aborts that long after `signal` has. */
function delayed(signal: AbortSignal, ms: number): Late {
  const later = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const onAbort = (): void => {
    timer = setTimeout(() => later.abort(signal.reason), ms)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    signal: later.signal,
    [Symbol.dispose]: () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    },
  }
}
