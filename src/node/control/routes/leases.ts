import type { ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { leaseRoutes } from '../../../api/leases.ts'
import { DEFAULT_ORDER } from '../../../api/offers.ts'
import { wipe } from '../../../containers/registry-login.ts'
import { NodeError } from '../../../errors.ts'
import { peerIdText } from '../../../protocols/fields.ts'
import { imageName } from '../../../protocols/image-name.ts'
import { containerEnv, leaseProtocol, MAX_REGISTRY_AUTH_BYTES } from '../../../protocols/lease.ts'
import { evidenceCodec } from '../../../protocols/lease-evidence.ts'
import { formatAmount } from '../../../protocols/money.ts'
import { keyOfPeerId } from '../../../protocols/peer-key.ts'
import { verifyReceiptChain } from '../../../protocols/receipt-chain.ts'
import { openReceipt } from '../../../protocols/receipts.ts'
import { commandLine, MAX_AUTHORIZED } from '../../../protocols/terms.ts'
import { askedVolumes } from '../../../protocols/volumes.ts'
import { hoursMs, secondsMs } from '../../../units.ts'
import { type FoundLease, findLease } from '../../leases/find-lease.ts'
import { isOver, isRunning, isStarted } from '../../leases/lease-machine.ts'
import { labels, MAX_PORTS } from '../../leases/lease-records.ts'
import { termsOf } from '../../leases/lease-terms.ts'
import { type LeaseView, viewOf } from '../../leases/lease-view.ts'
import { makeEvidence } from '../../leases/make-evidence.ts'
import { placeOrder } from '../../leases/place-order.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { mirror, statusIn, stopRequest } from '../../leases/rent-lease.ts'
import type { Offers } from '../../offers.ts'
import { followAll } from '../../services/rent.ts'
import { addRoute } from '../add-route.ts'
import { pageOf } from '../page.ts'
import { parsed } from '../parsed.ts'

const secret = z.string().min(1).max(MAX_REGISTRY_AUTH_BYTES)
const registryLogin = z.union([
  z.strictObject({ username: secret, password: secret }),
  z.strictObject({ identitytoken: secret }),
])

/** The body of `POST /v1/leases`. */
const wish = z.strictObject({
  query: z.string().max(4096).default(''),
  order: z.string().max(512).default(DEFAULT_ORDER),
  /** Without one: the devnet's own on a local network, elsewhere a common one. */
  image: imageName().optional(),
  /** A login at the image's registry; it goes to the miner with the acceptance, and is kept nowhere. */
  registryAuth: registryLogin.optional(),
  command: commandLine().optional(),
  durationMs: z
    .int()
    .min(1000)
    .max(hoursMs(24 * 366)),
  devices: z.int().min(1).max(32).optional(),
  /** The devices shall prove nothing meanwhile; only offers with a price for that are taken. */
  exclusive: z.boolean().optional(),
  /** How far to sign in advance (terms.ts); 0 or absent: not at all. */
  prepaidMs: z
    .int()
    .min(0)
    .max(hoursMs(24 * 366))
    .optional(),
  maxDph: z.string().max(40).optional(),
  /** The most it may cost in all, and all leases in a day; a running node's own cap per day holds besides. */
  maxCost: z.string().max(40).optional(),
  maxDailyCost: z.string().max(40).optional(),
  authorized: z.array(peerIdText()).max(MAX_AUTHORIZED).default([]),
  /** How long to wait in a miner's queue when nothing is free; absent: not at all. Who hangs up gives its place up. */
  waitMs: z
    .int()
    .min(0)
    .max(hoursMs(24 * 366))
    .optional(),
  /** The name under which events tell what happens to it, in their field `order`. */
  name: z.string().max(64).optional(),
  /** Variables of the container's processes; they go to the miner with the acceptance, and are not kept. */
  env: containerEnv().optional(),
  /** What this node alone calls it by. */
  labels: labels().optional(),
  /** Ports that `forward` makes local when none is named. */
  ports: z.array(z.int().min(1).max(65_535)).max(MAX_PORTS).optional(),
  /** What it shall keep beyond the lease; empty: nothing. */
  volumes: askedVolumes().or(z.array(z.never()).max(0)).default([]),
})
export type WishBody = z.input<typeof wish>

/** One receipt as `GET /v1/leases/:id/receipts` lists it. */
export interface ReceiptRow {
  readonly seq: number
  readonly atMs: number
  readonly upMs: number
  /** Decimal in the lease's asset. */
  readonly owed: string
  readonly countersigned: boolean
  readonly final: string | null
}

export interface ReceiptsAnswer {
  readonly lease: string
  readonly asset: string
  /** True: both signatures, every link and every amount were checked. */
  readonly verified: boolean
  readonly claimed: string
  readonly acknowledged: string
  readonly items: readonly ReceiptRow[]
  /** The whole evidence in base64, for anyone to check without this node. */
  readonly evidence: string
}

interface Needs {
  readonly renting: RentBook
  readonly offers: Offers
}

type Named = { Params: { id: string } }

/** Leases of this node: take, list, watch, stop, and their receipts. */
export function leasesRoute(app: FastifyInstance, { renting: book, offers }: Needs): void {
  app.post('/v1/leases', async (request, reply) => {
    const { registryAuth: login, ...body } = parsed(wish, request.body)
    const registryAuth = login === undefined ? undefined : Buffer.from(JSON.stringify(login))
    const header = request.headers['idempotency-key']
    const idempotencyKey = typeof header === 'string' ? header.slice(0, 128) : undefined
    const image = body.image ?? (book.net.network === 'local' ? 'busybox:1.37' : 'ubuntu:24.04')
    try {
      const wanted = { ...body, image, idempotencyKey, registryAuth }
      // Only a wait ends with who asked: what is agreed is agreed, and found again by its key.
      const signal = body.waitMs === undefined ? undefined : hungUp(reply.raw)
      const now = await placeOrder(book, offers, wanted, signal)
      return viewOf(book, now.lease)
    } finally {
      wipe(registryAuth)
      followAll(book)
    }
  })
  addRoute(app, leaseRoutes.listLeases, async ({ query }) => {
    const leases = await book.records.all()
    const views = leases.map((lease) => viewOf(book, lease)).toSorted(newestFirst)
    return pageOf(views, query, ({ id }) => id)
  })
  addRoute(app, leaseRoutes.getLease, async ({ params }) => show(book, await own(book, params.id)))
  app.get<Named & { Querystring: WaitQuery }>('/v1/leases/:id/wait', async ({ params, query }) =>
    waitFor(book, await own(book, params.id), query),
  )
  app.post<Named & { Body: { reason?: string } }>('/v1/leases/:id/stop', async (request) => {
    const found = await own(book, request.params.id)
    return stop(book, found, request.body?.reason ?? 'stopped by the renter')
  })
  app.get<Named>('/v1/leases/:id/receipts', async ({ params }) =>
    receiptsOf(book, await own(book, params.id)),
  )
}

/** Aborts when whoever asked hangs up before it was answered. */
function hungUp(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  response.once('close', () => {
    if (!response.writableEnded) gone.abort(new NodeError('FAILED', 'whoever asked hung up'))
  })
  return gone.signal
}

const newestFirst = (a: LeaseView, b: LeaseView): number => b.createdAtMs - a.createdAtMs

/** A lease that this node rented; another renter's has no record here. */
export async function own(book: RentBook, text: string): Promise<FoundLease> {
  const found = await findLease(book, text)
  if (found.mine !== undefined) return found
  throw new NodeError('NOTHING_MATCHED', 'that lease was rented by another node', {
    next: 'only what happens in it works from here: exec, shell, logs',
  })
}

export async function show(book: RentBook, { id, mine }: FoundLease): Promise<LeaseView> {
  return viewOf(book, book.live.get(id)?.lease ?? (await book.records.get(id)) ?? mine!.lease)
}

interface WaitQuery {
  readonly state?: string
  readonly ms?: string
  readonly said?: string
  readonly notState?: string
}

/**
 * Answers when the lease runs (`state=running`) or is over, or after `ms`, with what it is then; with `said` also when
 * its progress is another one (`''`: none), with `notState` when it stands elsewhere.
 */
async function waitFor(
  book: RentBook,
  found: FoundLease,
  { state, ms, said, notState }: WaitQuery,
): Promise<LeaseView> {
  const now = book.live.get(found.id)
  if (now !== undefined) {
    const reached = (): true | undefined => {
      if (isOver(now.lease)) return true
      if (said !== undefined && (now.progress ?? '') !== said) return true
      if (notState !== undefined && now.lease.state !== notState) return true
      if (state !== 'running') return undefined
      return isStarted(now.lease) || !isRunning(now.lease) ? true : undefined
    }
    const waitMs = Math.min(secondsMs(60), Math.max(0, Number(ms ?? 0) || 0))
    await book.changes.until(now.id, reached, { ms: waitMs, signal: book.lifetime.signal })
  }
  return show(book, found)
}

async function stop(book: RentBook, found: FoundLease, reason: string): Promise<LeaseView> {
  const now = book.live.get(found.id)
  if (now !== undefined && isRunning(now.lease)) {
    const request = stopRequest(now, reason.slice(0, 120))
    const answer = await book.rpc.ask(leaseProtocol, found.miner, request)
    await mirror(book, now, statusIn(answer))
  }
  return show(book, found)
}

/** Every receipt this node took, checked from the terms on. */
async function receiptsOf(book: RentBook, found: FoundLease): Promise<ReceiptsAnswer> {
  const lease = (await book.records.get(found.id)) ?? found.mine!.lease
  const file = await makeEvidence(book, lease)
  const { receipts: records } = file
  const chain = verifyReceiptChain(book.net, file)
  const { asset, miner } = termsOf(book.net, lease)
  const amount = (units: bigint): string => formatAmount(units, asset)
  const key = keyOfPeerId(miner)
  return {
    lease: found.id,
    asset,
    verified: true,
    claimed: amount(chain.claimed),
    acknowledged: amount(chain.acknowledged),
    items: records.map((record) => {
      const { seq, atMs, upMs, cumulative, final } = openReceipt(book.net, record, key).payload
      return {
        seq,
        atMs,
        upMs,
        owed: amount(BigInt(cumulative)),
        countersigned: seq <= chain.acknowledgedSeq,
        final: final?.reason ?? null,
      }
    }),
    evidence: Buffer.from(evidenceCodec.encode(file)).toString('base64'),
  }
}
