import { isIP } from 'node:net'
import { NodeError } from '../../errors.ts'
import type { LeaseView } from '../leases/lease-view.ts'
import { createOutput, type Output } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import {
  type FailedConnection,
  type ForwardedPort,
  type ForwardSpec,
  openForward,
} from './forwarded-port.ts'
import { assertRunning } from './lease-output.ts'
import { leasePath } from './lease-path.ts'
import { nameLease } from './name-lease.ts'
import { whenInterrupted } from './when-interrupted.ts'

/** Makes ports of a lease local ones until Ctrl-C; without any, those of its template. */
export const forward: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const [text, ...ports] = args
    const given = ports.map(parseForward)
    const { id, lease } = await nameLease(client, text!)
    // Of another renter's lease nothing is known here: its miner tells with the first connection.
    const own = lease === id ? await client.get<LeaseView>(leasePath(lease)) : undefined
    if (own !== undefined) assertRunning(own)
    const specs = given.length > 0 ? given : ownPorts(own)
    const output = createOutput(terminal, config)
    using stack = new DisposableStack()
    const ended: Promise<never>[] = []
    for (const spec of specs) {
      const onFailed = sayFailed(id, spec.port, output)
      const forwarded = stack.use(await openForward(client, lease, spec, onFailed))
      ended.push(forwarded.ended)
      sayListening(forwarded, { id, port: spec.port, output })
    }
    await Promise.race([...ended, whenInterrupted(signal)])
    return 0
  })

/** The ports of the template it was rented as, each under its own number. */
function ownPorts(own: LeaseView | undefined): ForwardSpec[] {
  const ports = own?.ports ?? []
  if (ports.length > 0) return ports.map((port) => ({ bind: '127.0.0.1', local: port, port }))
  throw new NodeError('BAD_CONFIG_USAGE', 'no port is given, and its template names none', {
    next: 'compute-node forward LEASE 8888',
  })
}

/** One port to forward, as `[[BIND:]LOCAL:]PORT` says. @throws BAD_CONFIG_USAGE */
export function parseForward(text: string): ForwardSpec {
  const parts = /^(?:(?:\[([^\]]+)\]|([^:]*)):)?(?:(\d+):)?(\d+)$/.exec(text)
  const [, ip6, ip4, localText, portText] = parts ?? []
  const given = ip6 ?? ip4
  // `LOCAL:PORT` reads as an address at first: an address has a port of its own behind it.
  const isLocal = given !== undefined && localText === undefined
  const bind = isLocal ? '127.0.0.1' : (given ?? '127.0.0.1')
  const port = Number(portText)
  const local = isLocal ? Number(given) : Number(localText ?? port)
  const fits = (value: number, least: number): boolean =>
    Number.isInteger(value) && value >= least && value <= 65_535
  if (parts !== null && given !== '' && isIP(bind) !== 0 && fits(port, 1) && fits(local, 0)) {
    return { bind, local, port }
  }
  throw new NodeError('BAD_CONFIG_USAGE', `"${text}" is not [[BIND:]LOCAL:]PORT`, {
    next: 'for example 8888, 9000:8888 or 0.0.0.0:9000:8888',
  })
}

function sayListening(
  { bind, local }: ForwardedPort,
  { id, port, output }: { readonly id: string; readonly port: number; readonly output: Output },
): void {
  const at = `${isIP(bind) === 6 ? `[${bind}]` : bind}:${local}`
  output.event(
    { event: 'listening', lease: id, bind, local, port },
    () => `${at} -> port ${port} of lease ${id.slice(0, 12)}`,
  )
  if (isLoopback(bind)) return
  output.note(`  others who reach this machine reach the service too: ${bind} is not loopback`)
}

const sayFailed =
  (id: string, port: number, output: Output) =>
  ({ code, message, next }: FailedConnection): void => {
    const value = { event: 'failed', lease: id, port, code, message }
    output.event(value, () => `a connection to port ${port} failed: ${message}`)
    if (next !== undefined) output.note(`  next: ${next}`)
  }

const isLoopback = (address: string): boolean =>
  address.startsWith('127.') || address === '::1' || address === '::ffff:127.0.0.1'
