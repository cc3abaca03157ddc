import type { Escrow } from '../../chain/payment-rail.ts'
import { sleep } from '../../clock.ts'
import type { Container } from '../../containers/engine.ts'
import { createPullProgress } from '../../containers/pull-progress.ts'
import { wipe } from '../../containers/registry-login.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Health } from '../../lease-states.ts'
import { endedFields, endingOf } from '../../protocols/lease-endings.ts'
import { startMeter } from '../../protocols/metering.ts'
import { keyOfPeerId } from '../../protocols/peer-key.ts'
import type { Ending } from '../../protocols/receipts.ts'
import type { Terms } from '../../protocols/terms.ts'
import { secondsMs } from '../../units.ts'
import { leaseEnded } from './enter-lease.ts'
import { engineOf, type HostBook, type HostedNow, hostOf } from './host-book.ts'
import { creditEnding, graceLeftMs, remember, weighCredit } from './host-credit.ts'
import { expiryOf, healthOf, lookAt, statusSoon } from './host-look.ts'
import { saveReceipt } from './host-meter.ts'
import { settleHosted } from './host-settle.ts'
import { tellOutOfMemory, weighHostPause } from './host-troubles.ts'
import { prepareVolumes } from './host-volumes.ts'
import { untilDiskExceeded } from './lease-disk.ts'
import { advance, isOver, isRunning, isStarted } from './lease-machine.ts'
import { type HostedLease, isPaused, isUnbilled } from './lease-records.ts'
import { keepPaused } from './pause-lease.ts'
import { PAST_LENGTHS } from './queue-eta.ts'
import { FREE_RAIL } from './quote.ts'
import { escrowExpiryMs } from './rent-lease.ts'

/** How long a renter has to lock the money after it accepted. */
const ESCROW_MS = secondsMs(30)
const RETRY_MS = secondsMs(2)
/** How long a settlement waits for the container to be gone. */
const REMOVAL_MS = secondsMs(10)

/**
 * Brings up an agreed lease: once the renter's escrow stands on the ledger, image and container, then the start. Before
 * the money nothing is pulled: whoever makes up names could fill this machine with images. A lease that cannot start
 * closes with the reason; nothing is thrown.
 */
export async function bringUp(book: HostBook, now: HostedNow): Promise<void> {
  try {
    await step(book, now, (lease) => advance(lease, { kind: 'start' }))
    await escrowed(book, now)
    noLongerUnpaid(book, now)
    const container = await makeContainer(book, now)
    await book.makeRoom?.(now.terms, now.closing.signal)
    now.closing.signal.throwIfAborted()
    await container.start()
    await markStarted(book, now)
  } catch (error) {
    if (now.closing.signal.aborted) return // whoever closed it removes the container
    book.log.warn('lease-start-failed', { lease: now.id, code: codeOf(error) })
    // Not awaited: closing waits for this very attempt to end.
    book.background(closeLease(book, now, startEnding(error)))
  } finally {
    wipe(now.registryAuth)
    now.registryAuth = undefined
  }
}

/** Why it could not start, as both sides are told. */
function startEnding(error: unknown): Ending {
  const code = codeOf(error)
  const why =
    code === 'REFUSED_NOT_PAID' ? 'not-paid' : code === 'ENGINE_IMAGE' ? 'image' : 'start-failed'
  return { ...endingOf(why), reason: endingOf('start-failed', messageOf(error)).reason }
}

function noLongerUnpaid({ unpaid }: HostBook, now: HostedNow): void {
  if (now.hold !== undefined) unpaid.repay(now.hold.from)
  now.hold = undefined
  now.progress = undefined
}

async function makeContainer(book: HostBook, now: HostedNow): Promise<Container> {
  const { terms, closing } = now
  const engine = engineOf(hostOf(book, now.lease))
  const pull = createPullProgress(terms.image)
  const tellPull = (text: string | undefined): void => {
    if (text === undefined) return
    now.progress = text
    book.changes.changed(now.id)
  }
  const credentials = now.registryAuth
  const startMs = book.steadyMs()
  await engine.ensureImage(terms.image, {
    credentials,
    signal: closing.signal,
    onProgress: (progress) => tellPull(pull.add(progress, book.steadyMs())),
  })
  await notePull(book, now, book.steadyMs() - startMs)
  closing.signal.throwIfAborted()
  const volumes = await prepareVolumes(book, now)
  closing.signal.throwIfAborted()
  now.isAskedFor = true
  now.container = await engine.create({
    leaseId: now.id,
    image: terms.image,
    ...(terms.command === undefined ? {} : { command: terms.command }),
    ...(now.env === undefined ? {} : { env: now.env }),
    gpuUuids: terms.devices.flatMap((device) => book.gpuUuid(device) ?? []),
    memoryMiB: terms.memoryMiB,
    cpus: terms.milliCpus / 1000,
    diskMiB: terms.diskMiB,
    ...(credentials === undefined ? {} : { privateImage: true }),
    ...(volumes.length === 0 ? {} : { volumes }),
    expiresAtMs: book.nowMs() + terms.durationMs,
  })
  now.env = undefined
  now.progress = undefined
  return now.container
}

/** Who waits is not passed by leases whose images take too long. */
async function notePull(book: HostBook, now: HostedNow, tookMs: number): Promise<void> {
  const { pastPulls } = book
  const ms = Math.max(0, Math.round(tookMs))
  await step(book, now, (lease) => ({ ...lease, pullMs: ms }))
  pastPulls.push({ image: now.terms.image, engine: now.lease.hostEngine, ms })
  if (pastPulls.length > PAST_LENGTHS) pastPulls.shift()
  book.events.emit('image-pulled', { id: now.id, ms })
}

/** Waits until the renter has locked the money; REFUSED_NOT_PAID when it has not in time, or too little. */
async function escrowed({ rail, key, nowMs }: HostBook, now: HostedNow): Promise<void> {
  const { terms, lease, closing } = now
  if (terms.rail === FREE_RAIL) return
  if (rail === undefined) throw new NodeError('REFUSED_RAIL', 'this miner lost its way to be paid')
  now.progress = 'waiting for the money'
  const until = nowMs() + ESCROW_MS
  for (let pauseMs = 10; ; pauseMs = Math.min(500, pauseMs * 2)) {
    const escrow = await rail.escrow.inspect(lease.leaseId)
    if (escrow !== undefined) {
      if (isPaid(escrow, terms, key.publicKey)) return
      // A lease has one escrow: no better one will come.
      throw new NodeError('REFUSED_NOT_PAID', 'the escrow is not what the terms ask for')
    }
    if (nowMs() > until) {
      throw new NodeError('REFUSED_NOT_PAID', 'the renter has not locked the money in time')
    }
    await sleep(pauseMs, closing.signal)
  }
}

/** At least the cap, locked for this miner until it had time to claim: what could be taken back earlier pays nothing. */
export const isPaid = (escrow: Escrow, terms: Terms, miner: Uint8Array): boolean =>
  escrow.state === 'open' &&
  escrow.deposit >= BigInt(terms.cap) &&
  escrow.expiresAtMs >= escrowExpiryMs(terms) &&
  Buffer.compare(escrow.miner, miner) === 0 &&
  Buffer.compare(escrow.renter, keyOfPeerId(terms.renter)) === 0

async function markStarted(book: HostBook, now: HostedNow): Promise<void> {
  const atMs = book.steadyMs()
  await step(book, now, (lease) => ({
    ...advance(lease, { kind: 'started', atMs }),
    health: 'ok',
    meter: startMeter(lease.leaseId, atMs),
  }))
  book.events.emit('lease-running', { id: now.id, engine: engineOf(hostOf(book, now.lease)).label })
}

/** One change of a lease's record, alone. */
const step = (book: HostBook, now: HostedNow, change: (lease: HostedLease) => HostedLease) =>
  book.locks.run(now.id, () => book.save(now, change(now.lease)))

/**
 * Meters a started lease until it closes: a look every few seconds, a receipt while it is billed, and the end of its
 * time or of its renter's credit.
 */
export async function meterUntilClosed(book: HostBook, now: HostedNow): Promise<void> {
  const signal = AbortSignal.any([now.closing.signal, book.lifetime.signal])
  book.background(endWhenDiskExceeded(book, now, signal))
  book.background(tellOutOfMemory(book, now, signal))
  while (!signal.aborted && isStarted(now.lease)) {
    const leftMs = Math.min(expiryOf(now) - book.steadyMs(), graceLeftMs(book, now))
    try {
      await sleep(Math.max(0, Math.min(now.terms.receiptEveryMs, leftMs)), signal)
    } catch {
      return // closing, and the final receipt is on its way; or the node stops
    }
    // Its time is over whatever its engine says.
    if (book.steadyMs() >= expiryOf(now)) {
      await closeLease(book, now, endingOf('expired'))
      continue
    }
    const look = await lookAt(book, now)
    const paused = await weighHostPause(book, now, look)
    const { health, ending = creditEnding(book, now) ?? paused } = look
    if (ending === undefined) await meterOnce(book, now, health)
    else await closeLease(book, now, ending)
  }
}

async function endWhenDiskExceeded(
  book: HostBook,
  now: HostedNow,
  signal: AbortSignal,
): Promise<void> {
  const ending = await untilDiskExceeded(book, now, signal)
  if (ending !== undefined) await closeLease(book, now, ending)
}

function meterOnce(book: HostBook, now: HostedNow, health: Health): Promise<void> {
  return book.locks.run(now.id, async () => {
    if (!isStarted(now.lease)) return
    if (isPaused(now.lease)) await keepPaused(book, now)
    // What is not billed needs no receipt.
    if (!isUnbilled(now.lease)) await saveReceipt(book, now, { ...now.lease, health })
    await weighCredit(book, now)
  })
}

/**
 * Ends a lease: the final receipt is stored with the new state, then sessions end, the container goes, its devices
 * come free, and what is owed is settled. An engine that is away keeps container and devices, not the settlement. Ending
 * it again keeps the first reason.
 */
export async function closeLease(book: HostBook, now: HostedNow, ending: Ending): Promise<void> {
  const closed = await book.locks.run(now.id, async () => {
    if (!isRunning(now.lease)) return false
    // It was extended while we came.
    if (ending.code === 'expired' && book.steadyMs() < expiryOf(now)) return false
    const status = await statusSoon(book, now)
    const lease = advance(now.lease, { kind: 'close', ending })
    const closedAtMs = book.nowMs()
    await saveReceipt(book, now, { ...lease, health: healthOf(book, now, status), closedAtMs })
    return true
  })
  if (!closed) return
  notePast(book, now)
  book.events.emit('lease-ended', endedFields(now.id, ending))
  if (ending.code === 'credit') await remember(book, now)
  await finish(book, now)
}

/** Who waits is told by how long leases lasted. */
function notePast({ pastMs }: HostBook, { lease }: HostedNow): void {
  if (lease.startedAtMs === undefined || lease.closedAtMs === undefined) return
  pastMs.push(Math.max(0, lease.closedAtMs - lease.startedAtMs))
  if (pastMs.length > PAST_LENGTHS) pastMs.shift()
}

/** What remains to be done for a lease that has closed, also after a restart; once. */
export async function finish(book: HostBook, now: HostedNow): Promise<void> {
  if (now.closing.signal.aborted) return
  now.closing.abort(leaseEnded(now.lease.ending?.reason))
  book.background(clearAway(book, now))
  if (isOver(now.lease)) return // settled before a restart
  await book.changes.until(now.id, () => now.removal !== 'none' || undefined, {
    ms: REMOVAL_MS,
    signal: book.lifetime.signal,
  })
  await settleHosted(book, now)
}

/** Removes what a lease has on its engine, which may take until that is back; then its devices come free. */
async function clearAway(book: HostBook, now: HostedNow): Promise<void> {
  await now.starting
  await removeContainer(book, now)
  await book.locks.run(now.id, async () => {
    now.removal = 'done'
    if (isOver(now.lease)) {
      const { containerStays: _, ...lease } = now.lease
      await book.save(now, lease as HostedLease)
      book.live.delete(now.id)
    }
    book.capacity.release(now.id)
    book.changes.changed(now.id)
  })
}

/** Tries until the engine answers: a device is free only when its container is gone. */
async function removeContainer(book: HostBook, now: HostedNow): Promise<void> {
  while (now.container !== undefined || now.isAskedFor || now.isUnseen) {
    try {
      const container = now.container ?? (await unsaidContainer(book, now))
      await container?.remove({ graceMs: 1000 })
      return
    } catch (error) {
      if (now.removal === 'none') book.log.error('lease-container-stays', error, { lease: now.id })
      now.removal = 'waits'
      book.changes.changed(now.id)
      await sleep(RETRY_MS, book.lifetime.signal)
    }
  }
}

/** What an engine made whose answer was lost. */
const unsaidContainer = async (
  book: HostBook,
  { id, lease }: HostedNow,
): Promise<Container | undefined> =>
  (await engineOf(hostOf(book, lease)).list()).find(({ leaseId }) => leaseId === id)
