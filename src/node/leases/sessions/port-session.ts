import type { Duplex } from 'node:stream'
import { deadline } from '../../../clock.ts'
import type { Container } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import { channels, controlToRenter, type SessionOf } from '../../../protocols/session.ts'
import { secondsMs } from '../../../units.ts'
import { pumpSocket } from '../pump-socket.ts'
import type { SessionRun } from './session-run.ts'
import { whenAborted } from './when-aborted.ts'

/** How long a service may take to accept a connection. */
const DIAL_MS = secondsMs(10)
/** Connections into one lease at once, whoever opens them. */
export const MAX_PORT_TUNNELS = 128

const open = new WeakMap<Container, number>()

/**
 * One connection to a port inside, until both directions have ended or either party leaves.
 * @throws NOTHING_MATCHED_PORT when nothing listens there, REFUSED_TUNNELS at the limit, FAILED_PORT_TIMEOUT
 */
export async function runPort(run: SessionRun<SessionOf<'port'>>): Promise<void> {
  const { container, request, channel, closing, left } = run
  using _place = takePlace(container)
  const socket = await dial(container, request.port, left)
  try {
    using closed = whenAborted(closing)
    using gone = whenAborted(left)
    await channel.send(channels.control, controlToRenter.encode({ kind: 'started' }))
    await Promise.race([pumpSocket(socket, channel, 'miner'), closed.aborted, gone.aborted])
  } catch (error) {
    throw closing.aborted ? closing.reason : broken(error, request.port)
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

function takePlace(container: Container): Disposable {
  const count = open.get(container) ?? 0
  if (count >= MAX_PORT_TUNNELS) {
    throw new NodeError(
      'REFUSED_TUNNELS',
      `at most ${MAX_PORT_TUNNELS} connections into a lease at once`,
      { next: 'close some of them first' },
    )
  }
  open.set(container, count + 1)
  return { [Symbol.dispose]: () => void open.set(container, open.get(container)! - 1) }
}

async function dial(container: Container, port: number, left: AbortSignal): Promise<Duplex> {
  using limit = deadline(left, DIAL_MS)
  try {
    return await container.dial(port, limit.signal)
  } catch (error) {
    if (!limit.expired) throw error
    throw new NodeError('FAILED_PORT_TIMEOUT', `port ${port} in the lease does not answer`, {
      next: 'look at the service: compute-node exec LEASE -- CMD',
    })
  }
}

/** A service that resets its connection is no fault of the miner's machine, nor of the way. */
const broken = (error: unknown, port: number): unknown =>
  (error as NodeJS.ErrnoException).code === 'ECONNRESET'
    ? new NodeError('FAILED_PORT_RESET', `port ${port} in the lease reset the connection`)
    : error
