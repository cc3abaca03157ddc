import { sleep } from '../../clock.ts'
import type { Container } from '../../containers/engine.ts'
import { messageOf, NodeError } from '../../errors.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import { resumeMeter } from '../../protocols/metering.ts'
import { secondsMs } from '../../units.ts'
import { engineOf, type HostBook, type HostedNow, hostOf } from './host-book.ts'
import { creditEnding } from './host-credit.ts'
import type { HostEngine } from './host-engines.ts'
import { keepExpiry } from './host-extend.ts'
import { expiryOf, lookAt } from './host-look.ts'
import { closeLease, finish, meterUntilClosed } from './host-run.ts'
import { isOver, isRunning, isStarted } from './lease-machine.ts'
import { type HostedLease, hexOf, isPaused, isUnbilled } from './lease-records.ts'
import { termsOf } from './lease-terms.ts'
import { keepPaused } from './pause-lease.ts'
import type { PastPull } from './pull-times.ts'
import { PAST_LENGTHS } from './queue-eta.ts'

const RETRY_MS = secondsMs(2)

/** How long a starting node waits for its engines before it goes on without. */
const PATIENCE_MS = secondsMs(10)

/** Takes the stored leases into memory, with the devices they hold; once, however often it is asked for. */
export const restoreLeases = (book: HostBook): Promise<void> => (book.restored ??= restore(book))

async function restore(book: HostBook): Promise<void> {
  book.volumes.push(...(await book.volumeRecords.all()))
  await book.line.restore()
  const all = await book.records.all()
  book.pastMs.push(...pastLengths(all))
  book.pastPulls.push(...pastPulls(book, all))
  const stored = all.filter((lease) => !isOver(lease) || lease.containerStays === true)
  for (const lease of stored) {
    if (lease.state !== 'QUOTED') book.add(lease).isUnseen = true
    else await book.records.remove(hexOf(lease.leaseId))
  }
  // Those that run come first: one that only waits for its money may name a device that was let again since.
  const live = [...book.live.values()]
  const waiting = live.filter(({ lease }) => !isRunning(lease))
  for (const now of [...live.filter(({ lease }) => isRunning(lease)), ...waiting]) {
    holdDevices(book, now)
  }
}

/** How long the newest leases lasted that have closed, oldest first. */
const pastLengths = (leases: readonly HostedLease[]): number[] =>
  leases
    .flatMap(({ startedAtMs, closedAtMs }) =>
      startedAtMs === undefined || closedAtMs === undefined ? [] : [{ startedAtMs, closedAtMs }],
    )
    .toSorted((a, b) => a.closedAtMs - b.closedAtMs)
    .slice(-PAST_LENGTHS)
    .map(({ startedAtMs, closedAtMs }) => Math.max(0, closedAtMs - startedAtMs))

/** How long the images of the newest leases took to be there, oldest first. */
const pastPulls = ({ net }: HostBook, leases: readonly HostedLease[]): PastPull[] =>
  leases
    .flatMap((lease) => (lease.pullMs === undefined ? [] : [{ lease, ms: lease.pullMs }]))
    .toSorted((a, b) => a.lease.createdAtMs - b.lease.createdAtMs)
    .slice(-PAST_LENGTHS)
    .map(({ lease, ms }) => ({ image: termsOf(net, lease).image, engine: lease.hostEngine, ms }))

/**
 * After a restart: leases whose container still runs go on, unbilled for the time in between; the others end, and
 * every container that belongs to no lease is removed. What an engine runs that does not answer is unknown, and unknown
 * ends nothing: after a while, or once another engine has answered, the node goes on, and the adoption follows when the
 * engine answers.
 */
export async function adoptLeases(book: HostBook): Promise<void> {
  await restoreLeases(book)
  const asked = Promise.withResolvers<void>()
  book.background(adoptContainers(book, asked.resolve))
  await Promise.race([asked.promise, sleep(PATIENCE_MS, book.lifetime.signal)])
}

/** A device that is not there any more ends no lease: whether its container still runs is asked of the engine. */
function holdDevices({ capacity, log }: HostBook, { id, terms }: HostedNow): void {
  for (const device of terms.devices) {
    try {
      capacity.adopt(id, [device])
    } catch (error) {
      log.warn('lease-device-not-held', { lease: id, reason: messageOf(error) })
    }
  }
}

/** Calls back when each engine was asked and one of them, at least, has answered. */
async function adoptContainers(book: HostBook, onAsked: () => void): Promise<void> {
  const { all } = book.engines
  const before = [...book.live.values()]
  const on = Map.groupBy(before, ({ lease }) => hostOf(book, lease))
  // Where none is, or not any more, nothing will ever be told.
  for (const [host, leases] of on) if (!all.includes(host)) adoptOn(book, leases, [])
  const notAsked = new Set(all)
  let isAnswered = false
  const asked = (host: HostEngine, answers: boolean): void => {
    notAsked.delete(host)
    isAnswered ||= answers
    if (isAnswered && notAsked.size === 0) onAsked()
  }
  await Promise.all(
    all.map(async (host) => {
      const leases = on.get(host) ?? []
      const onSilence = (): void => {
        for (const now of leases) book.background(tendUnseen(book, now))
        asked(host, false)
      }
      const containers = host.engine instanceof NodeError ? [] : await listed(book, host, onSilence)
      if (!book.lifetime.signal.aborted) adoptOn(book, leases, containers)
      asked(host, true)
    }),
  )
}

/** The leases of one engine, now that it has told of its containers. */
function adoptOn(
  book: HostBook,
  leases: readonly HostedNow[],
  containers: readonly Container[],
): void {
  for (const now of leases) {
    now.container = containers.find(({ leaseId }) => leaseId === now.id)
    now.isUnseen = false
    // One that closed meanwhile is being finished.
    if (!now.closing.signal.aborted) book.background(resume(book, now))
  }
  const orphans = containers.filter(({ leaseId }) => !book.live.has(leaseId))
  for (const container of orphans) book.background(removeOrphan(book, container))
}

/** What an engine runs, once it answers. */
async function listed(
  book: HostBook,
  host: HostEngine,
  onSilence: () => void,
): Promise<Container[]> {
  const { signal } = book.lifetime
  while (!signal.aborted) {
    try {
      return await engineOf(host).list()
    } catch (error) {
      book.log.warn('engine-does-not-answer', { engine: host.name, reason: messageOf(error) })
      onSilence()
      await sleep(RETRY_MS, signal).catch(() => undefined) // stopping: the loop ends
    }
  }
  return []
}

/**
 * Looks after a lease whose engine has not answered since this node started: what had closed is settled, what could not go
 * on anyway ends, and so does what was agreed until now; else it is unknown.
 */
async function tendUnseen(book: HostBook, now: HostedNow): Promise<void> {
  const { lease, isUnseen } = now
  if (!isUnseen) return
  if (!isRunning(lease)) return finish(book, now)
  if (!canGoOn(lease)) return closeLease(book, now, endingOf('miner-restarted'))
  const isExpired = book.steadyMs() >= expiryOf(now)
  const ending = isExpired ? endingOf('expired') : creditEnding(book, now)
  return ending === undefined ? tellUnknown(book, now) : closeLease(book, now, ending)
}

/** Whether a restart leaves something of it to go on with. */
const canGoOn = (lease: HostedLease): boolean =>
  isStarted(lease) && lease.meter !== undefined && lease.startedAtMs !== undefined

/** Time that passes meanwhile is billed to nobody; both sides see why. */
const tellUnknown = (book: HostBook, now: HostedNow): Promise<void> =>
  book.locks.run(now.id, async () => {
    if (!now.isUnseen || !isStarted(now.lease) || now.lease.health === 'unknown') return
    await book.save(now, { ...now.lease, health: 'unknown' })
  })

async function resume(book: HostBook, now: HostedNow): Promise<void> {
  const { lease } = now
  if (!isRunning(lease)) return finish(book, now)
  if (!canGoOn(lease) || lease.meter === undefined) {
    return closeLease(book, now, endingOf('miner-restarted'))
  }
  const { ending } = await lookAt(book, now)
  const meter = resumeMeter(lease.meter, book.steadyMs())
  await book.locks.run(now.id, async () => {
    if (!isUnbilled(now.lease)) await book.save(now, { ...now.lease, meter })
    await keepExpiry(book, now)
    if (isPaused(now.lease)) return keepPaused(book, now)
    // Paused by a run of this node that could not note that it was to go on; what the host paused is the host's.
    const isHosts = now.lease.hostPausedAtMs !== undefined
    if (ending === undefined && !isHosts) await now.container?.resume()
  })
  if (ending !== undefined) await closeLease(book, now, ending)
  if (!isStarted(now.lease)) return
  book.events.emit('lease-adopted', { id: now.id })
  return meterUntilClosed(book, now)
}

/** Tries until the engine answers, or this node stops. */
async function removeOrphan(book: HostBook, container: Container): Promise<void> {
  const { signal } = book.lifetime
  while (!signal.aborted) {
    try {
      await container.remove({ graceMs: 1000 })
      return book.log.info('orphan-container-removed', { lease: container.leaseId })
    } catch (error) {
      book.log.error('orphan-container-stays', error, { lease: container.leaseId })
      await sleep(RETRY_MS, signal).catch(() => undefined) // stopping: the loop ends
    }
  }
}
