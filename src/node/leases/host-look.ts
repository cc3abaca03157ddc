import { deadline } from '../../clock.ts'
import type { ContainerEnd, ContainerStatus } from '../../containers/engine.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { Health } from '../../lease-states.ts'
import { endingOf } from '../../protocols/lease-endings.ts'
import type { Ending } from '../../protocols/receipts.ts'
import { secondsMs } from '../../units.ts'
import { type HostBook, type HostedNow, hostOf } from './host-book.ts'
import { isPaused } from './lease-records.ts'

/** What a look at the container of a started lease finds. */
export interface Look {
  readonly status: ContainerStatus
  readonly health: Health
  /** Why the lease ends now, if it does. */
  readonly ending: Ending | undefined
}

/** How the container of a started lease is, and why the lease ends now, if it does. */
export async function lookAt(book: HostBook, now: HostedNow): Promise<Look> {
  const status = await containerStatus(book, now)
  const expired = book.steadyMs() >= expiryOf(now)
  const health = healthOf(book, now, status)
  if (status !== 'exited' || expired) return { status, health, ending: endingFor(status, expired) }
  const end = await endOf(book, now)
  // Removed since the look before.
  if (end === 'gone') return { status: end, health, ending: endingFor(end, expired) }
  return { status, health, ending: endingFor(status, expired, end) }
}

/** When its agreed time is over. */
export const expiryOf = ({ lease, terms }: HostedNow): number =>
  (lease.startedAtMs ?? 0) + terms.durationMs

/**
 * Where no engine was found, or it has not told yet, nothing is known of a container; where it has, one that is not there
 * is gone.
 */
export const containerStatus = async (
  book: HostBook,
  { container, isUnseen, lease }: HostedNow,
): Promise<ContainerStatus> => {
  const isUnknown = isUnseen || hostOf(book, lease).engine instanceof NodeError
  return (await container?.status()) ?? (isUnknown ? 'unknown' : 'gone')
}

/** The same for a lease that ends, which waits for no engine: what is not told soon is unknown. */
export async function statusSoon(book: HostBook, now: HostedNow): Promise<ContainerStatus> {
  using limit = deadline(book.lifetime.signal, END_LOOK_MS)
  const late = Promise.withResolvers<ContainerStatus>()
  limit.signal.addEventListener('abort', () => late.resolve('unknown'), { once: true })
  return Promise.race([containerStatus(book, now), late.promise])
}

/** An engine that answers at all does so in a hundredth of this, unless its machine is very busy. */
const END_LOOK_MS = secondsMs(5)

const healths: Readonly<Record<ContainerStatus, Health>> = {
  created: 'ok',
  running: 'ok',
  paused: 'failed',
  exited: 'failed',
  gone: 'failed',
  unknown: 'unknown',
}

/** A container without its GPU serves nobody, nor does one that somebody else paused: that time is not billed. */
export function healthOf(book: HostBook, now: HostedNow, status: ContainerStatus): Health {
  const { devices } = now.terms
  if (devices.some((device) => book.capacity.barOf(device)?.kind === 'lost')) return 'failed'
  return status === 'paused' && isPaused(now.lease) ? 'ok' : healths[status]
}

/** How it ended; undefined, which is nobody's doing, when the engine does not say. */
async function endOf(
  book: HostBook,
  { id, container }: HostedNow,
): Promise<ContainerEnd | 'gone' | undefined> {
  try {
    return await container?.end()
  } catch (error) {
    if (codeOf(error) === 'ENGINE_GONE') return 'gone'
    book.log.warn('lease-end-unknown', { lease: id, reason: messageOf(error) })
    return undefined
  }
}

/** Why a lease ends now, if it does. An engine that does not answer says nothing about the container. */
export function endingFor(
  status: ContainerStatus,
  expired: boolean,
  end?: ContainerEnd,
): Ending | undefined {
  if (expired) return endingOf('expired')
  if (status === 'gone') return endingOf('container-gone')
  if (status !== 'exited') return undefined
  if (end === undefined) return endingOf('unknown')
  const { cause, exitCode } = end
  if (cause === 'out-of-memory') return endingOf('out-of-memory')
  if (cause === 'host') return endingOf('host-killed')
  if (cause === 'engine') return endingOf('engine-fault')
  return exitCode === 0
    ? endingOf('command-ended')
    : endingOf('command-failed', `exit code ${exitCode}`)
}
