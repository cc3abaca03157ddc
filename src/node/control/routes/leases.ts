import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { leaseRoutes, type ReceiptsAnswer } from '../../../api/leases.ts'
import type { Read } from '../../../api/route.ts'
import { wipe } from '../../../containers/registry-login.ts'
import { NodeError } from '../../../errors.ts'
import { peerIdText } from '../../../protocols/fields.ts'
import { imageName } from '../../../protocols/image-name.ts'
import { containerEnv, leaseProtocol } from '../../../protocols/lease.ts'
import { evidenceCodec } from '../../../protocols/lease-evidence.ts'
import { formatAmount } from '../../../protocols/money.ts'
import { keyOfPeerId } from '../../../protocols/peer-key.ts'
import { verifyReceiptChain } from '../../../protocols/receipt-chain.ts'
import { openReceipt } from '../../../protocols/receipts.ts'
import { commandLine } from '../../../protocols/terms.ts'
import { askedVolumes } from '../../../protocols/volumes.ts'
import { secondsMs } from '../../../units.ts'
import { type FoundLease, findLease } from '../../leases/find-lease.ts'
import { isOver, isRunning, isStarted } from '../../leases/lease-machine.ts'
import { labels } from '../../leases/lease-records.ts'
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

/** What the wire wants of it besides. */
const onWire = z.object({
  image: imageName().optional(),
  command: commandLine().optional(),
  authorized: z.array(peerIdText()),
  env: containerEnv().optional(),
  labels: labels().optional(),
  /** Empty: nothing. */
  volumes: askedVolumes().or(z.array(z.never()).max(0)),
})

interface Needs {
  readonly renting: RentBook
  readonly offers: Offers
}

/** Leases of this node: take, list, watch, stop, and their receipts. */
export function leasesRoute(app: FastifyInstance, { renting: book, offers }: Needs): void {
  addRoute(app, leaseRoutes.rent, async (asked) => {
    const { registryAuth: login, ...body } = { ...asked.body, ...parsed(onWire, asked.body) }
    const registryAuth = login === undefined ? undefined : Buffer.from(JSON.stringify(login))
    const image = body.image ?? (book.net.network === 'local' ? 'busybox:1.37' : 'ubuntu:24.04')
    try {
      const wanted = { ...body, image, idempotencyKey: asked.idempotencyKey, registryAuth }
      // Only a wait ends with who asked: what is agreed is agreed, and found again by its key.
      const signal = body.waitMs === undefined ? undefined : asked.signal
      const now = await placeOrder(book, offers, wanted, signal)
      // Its turn came as it left: nobody knows of the lease, and it would cost all the same.
      if (signal?.aborted === true)
        await stop(book, await own(book, now.id), 'whoever asked hung up')
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
  addRoute(app, leaseRoutes.waitForLease, async ({ params, query }) =>
    waitFor(book, await own(book, params.id), query),
  )
  addRoute(app, leaseRoutes.stopLease, async ({ params, body }) =>
    stop(book, await own(book, params.id), body.reason),
  )
  addRoute(app, leaseRoutes.getReceipts, async ({ params }) =>
    receiptsOf(book, await own(book, params.id)),
  )
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

type WaitQuery = Read<(typeof leaseRoutes)['waitForLease'], 'query'>

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
    const waitMs = Math.min(secondsMs(60), ms)
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
