import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { leaseProtocol } from '../../protocols/lease.ts'
import { endedFields, endingOf } from '../../protocols/lease-endings.ts'
import { formatAmount } from '../../protocols/money.ts'
import { type Ending, type ReceiptsResponse, receiptsProtocol } from '../../protocols/receipts.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import { askDepositBack } from './ask-deposit-back.ts'
import { pursueExtension } from './extend-lease.ts'
import { advance, isOver, isStarted, type StartedState, standEvent } from './lease-machine.ts'
import type { RentedLease } from './lease-records.ts'
import { FREE_RAIL } from './quote.ts'
import type { RentBook, RentedNow } from './rent-book.ts'
import { endingIn, mirror, statusIn, stopRequest } from './rent-lease.ts'
import { advanceFor, takeReceipts } from './take-receipts.ts'

/** How long one question waits at the miner for news. */
const WAIT_MS = secondsMs(15)
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = secondsMs(5)
/** A lease whose miner has not come back this long after its agreed end is given up. */
const GIVE_UP_MS = minutesMs(10)

/**
 * Keeps up with a lease until it is over or the node stops: its start, every receipt (checked, stored, countersigned),
 * its end and its settlement. A miner that cannot be reached leaves it `unknown`, and is asked again.
 */
export async function followLease(book: RentBook, now: RentedNow): Promise<void> {
  const { signal } = book.lifetime
  for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted && !isOver(now.lease); ) {
    try {
      await nextStep(book, now)
      now.silentSinceMs = undefined
      pauseMs = FIRST_PAUSE_MS
    } catch (error) {
      if (signal.aborted) break
      await inTrouble(book, now, error)
      if (isOver(now.lease)) break
      await sleep(pauseMs, signal).catch(() => undefined) // stopping: the loop ends
      pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)
    }
  }
  if (isOver(now.lease)) book.live.delete(now.id)
}

function nextStep(book: RentBook, now: RentedNow): Promise<void> {
  switch (now.lease.state) {
    case 'ACTIVE':
    case 'GRACE':
    case 'SUSPENDED':
    case 'PAUSED':
      return exchangeReceipts(book, now)
    case 'CLOSING':
      return finishTogether(book, now)
    default:
      return watchStart(book, now)
  }
}

async function watchStart(book: RentBook, now: RentedNow): Promise<void> {
  await mirror(book, now, await askStatus(book, now, now.lease.state, now.progress ?? ''))
}

async function askStatus(
  book: RentBook,
  now: RentedNow,
  notState: RentedLease['state'],
  said?: string,
) {
  const { leaseId } = now.lease
  const request = {
    ...{ kind: 'status' as const, leaseId, notState, waitMs: WAIT_MS },
    ...(said === undefined ? {} : { said }),
  }
  const { signal } = book.lifetime
  return statusIn(await book.rpc.ask(leaseProtocol, now.terms.miner, request, signal))
}

/** Delivers the newest countersignature and takes what receipts there are, waiting for one when it is running. */
async function exchangeReceipts(book: RentBook, now: RentedNow, waitMs = WAIT_MS): Promise<void> {
  await pursueExtension(book, now)
  await signAhead(book, now)
  const { leaseId, meter, acknowledgedSeq, countersigned, voucher } = now.lease
  const { advance: ahead } = now.lease
  const fresh = acknowledgedSeq > now.deliveredSeq && countersigned !== undefined
  const request = {
    leaseId,
    have: meter.seq,
    waitMs,
    ...(fresh ? { countersigned, ...(voucher === undefined ? {} : { voucher }) } : {}),
    ...(ahead === undefined || ahead.limit === now.deliveredAdvance ? {} : { advance: ahead }),
  }
  const { miner } = now.terms
  const answer = await book.rpc.ask(receiptsProtocol, miner, request, book.lifetime.signal)
  now.deliveredSeq = acknowledgedSeq
  now.deliveredAdvance = ahead?.limit
  notice(book, now, answer.notice)
  now.diskUsedMiB = answer.diskUsedMiB
  await book.locks.run(now.id, async () => {
    await takeReceipts(book, now, answer)
    await followState(book, now, answer)
  })
  if (answer.ended && isStarted(now.lease) && !now.lease.meter.ended) {
    // It ended without a final receipt: nothing was served after the last one.
    await mirrorEnd(book, now)
  }
}

/** The first advance goes out before anything was used; later ones go with each countersignature. */
function signAhead(book: RentBook, now: RentedNow): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (now.lease.advance !== undefined || !isStarted(now.lease)) return
    const signed = advanceFor(book, now, now.lease.meter.upMs)
    if (signed.advance !== undefined) await book.save(now, { ...now.lease, ...signed })
  })
}

/** Takes over where a started lease stands, as its miner says. */
async function followState(
  book: RentBook,
  now: RentedNow,
  { state, notice: text }: Pick<ReceiptsResponse, 'state' | 'notice'>,
): Promise<void> {
  if (state === undefined || state === now.lease.state) return
  if (!isStarted(now.lease) || !isStarted({ state })) return
  const stands = state as StartedState
  const event = standEvent(now.lease.state, stands)
  await book.save(now, advance(now.lease, { kind: 'stand', state: stands }))
  const fields = { id: now.id, ...(text === undefined ? {} : { notice: text }) }
  if (event !== undefined) book.events.emit(event, fields)
}

/** Tells once what the miner has to say of a lease that runs. */
function notice(book: RentBook, now: RentedNow, text: string | undefined): void {
  if (now.progress === text) return
  now.progress = text
  book.changes.changed(now.id)
  if (text !== undefined) book.events.emit('lease-notice', { id: now.id, notice: text })
}

async function mirrorEnd(book: RentBook, now: RentedNow): Promise<void> {
  await close(book, now, endingIn(await askStatus(book, now, now.lease.state)))
}

/** Hands over the last countersignature, then waits until the miner has settled. */
async function finishTogether(book: RentBook, now: RentedNow): Promise<void> {
  if (now.lease.acknowledgedSeq > now.deliveredSeq) await exchangeReceipts(book, now, 0)
  const { state } = await askStatus(book, now, 'CLOSING')
  if (state === 'CLOSING') return
  await settled(book, now)
}

/** Ends the lease here with what the ledger says was paid; an escrow that is still open is watched by `settle`. */
async function settled(book: RentBook, now: RentedNow): Promise<void> {
  const escrow = await escrowOf(book, now)
  const paid =
    escrow !== undefined && escrow.state !== 'closed'
      ? {}
      : { settled: (escrow?.claimed ?? 0n).toString() }
  await book.locks.run(now.id, async () => {
    if (now.lease.state !== 'CLOSING') return
    const next = advance(now.lease, { kind: 'settled' })
    const state = escrow === undefined ? 'none' : escrow.state === 'closed' ? 'closed' : 'open'
    await book.save(now, { ...next, escrow: state, ...paid })
  })
  if (escrow?.state === 'closed') await checkClaim(book, now, escrow.claimed)
  if (paid.settled === undefined) return
  book.events.emit('lease-settled', { id: now.id, amount: paid.settled, asset: now.terms.asset })
}

/** What the ledger holds for a lease; undefined for what is free or was never paid in. */
async function escrowOf({ rail }: RentBook, { terms, lease }: RentedNow) {
  if (terms.rail === FREE_RAIL || rail === undefined) return undefined
  return rail.escrow.inspect(lease.leaseId)
}

/** Taking more than its own receipts say, within an advance, is theft that both signatures show. */
async function checkClaim(book: RentBook, now: RentedNow, claimed: bigint): Promise<void> {
  const { cumulative } = now.lease
  if (claimed <= BigInt(cumulative)) return
  const { asset } = now.terms
  const amounts = [claimed, BigInt(cumulative)].map((units) => formatAmount(units, asset))
  const reason = `the miner took ${amounts[0]} ${asset}, its receipts say ${amounts[1]}`
  await keepDispute(book, now, new NodeError('PEER_OVERCLAIMED', reason))
}

/** Keeps what the miner did beside the lease, for good; the first such thing stays. */
function keepDispute(book: RentBook, now: RentedNow, error: NodeError): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (now.lease.dispute !== undefined) return
    const { code, message } = error
    const reason = message.replace(/\p{Cc}+/gu, ' ').slice(0, 300)
    const { record } = error.details
    const signed = record instanceof Uint8Array ? { record } : {}
    const dispute = { code, reason, atMs: book.nowMs(), ...signed }
    await book.save(now, { ...now.lease, dispute })
    book.events.emit('lease-disputed', { id: now.id, code, reason })
  })
}

/** What an error means for the lease: cheating ends it, forgetting ends it, silence leaves it unknown. */
async function inTrouble(book: RentBook, now: RentedNow, error: unknown): Promise<void> {
  const code = codeOf(error)
  book.log.warn('lease-trouble', { lease: now.id, code, message: messageOf(error) })
  if (code.startsWith('PEER_RECEIPT_') || code === 'BAD_MESSAGE') {
    if (error instanceof NodeError) await keepDispute(book, now, error)
    return cheated(book, now, messageOf(error))
  }
  if (code === 'REFUSED_UNKNOWN_LEASE' || code === 'REFUSED_NOT_AUTHORIZED') {
    return forgotten(book, now)
  }
  await book.locks.run(now.id, async () => {
    if (now.lease.health !== 'unknown') await book.save(now, { ...now.lease, health: 'unknown' })
  })
  now.silentSinceMs ??= book.steadyMs()
  if (await closedOnLedger(book, now)) return
  const end = now.lease.expiresAtMs ?? now.terms.acceptByMs + now.terms.durationMs
  // Both: a clock that was set forward alone gives nothing up.
  const silentMs = book.steadyMs() - now.silentSinceMs
  if (book.nowMs() > end + GIVE_UP_MS && silentMs > GIVE_UP_MS) await lapse(book, now)
}

/** Nothing more is countersigned: what was signed so far is all that can be claimed. */
async function cheated(book: RentBook, now: RentedNow, reason: string): Promise<void> {
  await close(book, now, { ...endingOf('receipts-refused'), reason: reason.slice(0, 200) })
  const request = { ...stopRequest(now, reason.slice(0, 120)), disputed: true as const }
  await book.rpc
    .ask(leaseProtocol, now.terms.miner, request)
    .catch((error) => book.log.warn('stop-failed', { lease: now.id, code: codeOf(error) }))
  // Its final receipt will not be taken either; the ledger alone says what became of the money.
  await settled(book, now)
}

async function forgotten(book: RentBook, now: RentedNow): Promise<void> {
  if (now.lease.escrow !== 'none') {
    await askDepositBack(book, now.terms.miner, now.lease.leaseId, book.lifetime.signal)
  }
  // A miner keeps what it agreed to: a quote that it does not know was never accepted.
  if (now.lease.state === 'QUOTED') return lapse(book, now, 'not-begun')
  if (now.lease.state === 'CLOSING') return lapse(book, now)
  await close(book, now, endingOf('miner-forgot'))
  await settled(book, now)
}

async function closedOnLedger(book: RentBook, now: RentedNow): Promise<boolean> {
  // `opening`: this node ended before it could note that the money is there.
  if (book.rail === undefined || !['opening', 'open'].includes(now.lease.escrow)) return false
  try {
    if ((await book.rail.escrow.inspect(now.lease.leaseId))?.state !== 'closed') return false
  } catch (error) {
    book.log.warn('ledger-does-not-answer', { lease: now.id, code: codeOf(error) })
    return false
  }
  await close(book, now, endingOf('miner-left'))
  await settled(book, now)
  return true
}

function close(book: RentBook, now: RentedNow, ending: Ending): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (now.lease.state === 'CLOSING' || isOver(now.lease)) return
    const agreed = now.lease.state === 'QUOTED' ? advance(now.lease, { kind: 'agree' }) : now.lease
    await book.save(now, advance(agreed, { kind: 'close', ending }))
    book.events.emit('lease-ended', endedFields(now.id, ending))
  })
}

function lapse(
  book: RentBook,
  now: RentedNow,
  code: 'miner-silent' | 'not-begun' = 'miner-silent',
): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (isOver(now.lease)) return
    const ending = endingOf(code)
    await book.save(now, advance(now.lease, { kind: 'lapse', ending }))
    book.events.emit('lease-ended', endedFields(now.id, ending))
  })
}
