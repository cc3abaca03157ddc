import { isIP } from 'node:net'
import type { WebSocket } from 'ws'
import { NodeError } from '../../errors.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { errorOf } from '../control/problem.ts'
import type { ForwardMessage } from '../control/routes/forward.ts'
import { createOutput, type Output } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { Run } from './command.ts'
import { leasePath } from './lease-path.ts'
import { nameLease } from './name-lease.ts'

/** One port to forward, as `[[BIND:]LOCAL:]PORT` says. */
export interface ForwardSpec {
  readonly bind: string
  readonly local: number
  readonly port: number
}

/** Makes ports of a lease local ones until Ctrl-C. */
export const forward: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const [text, ...ports] = args
    const specs = ports.map(parseForward)
    const { id, lease } = await nameLease(client, text!)
    const output = createOutput(terminal, config)
    await using stack = new AsyncDisposableStack()
    const ended: Promise<void>[] = []
    for (const spec of specs) {
      const socket = await openForward(client, lease, spec)
      stack.defer(() => socket.close())
      ended.push(watch(socket, { id, spec, output }))
    }
    const interrupted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([...ended, interrupted])
    return 0
  })

/** @throws BAD_CONFIG_USAGE */
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

const openForward = (client: ControlClient, lease: string, { bind, local, port }: ForwardSpec) =>
  client.webSocket(withQuery(leasePath(lease, '/forward'), { bind, local, port }))

interface Watched {
  readonly id: string
  readonly spec: ForwardSpec
  readonly output: Output
}

/** Says what listens, and which connections failed; rejects with what ended it before the person did. */
function watch(socket: WebSocket, { id, spec, output }: Watched): Promise<void> {
  const { promise, reject } = Promise.withResolvers<void>()
  promise.catch(() => undefined) // raced with Ctrl-C
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ForwardMessage | { readonly error: unknown }
    if ('error' in message) reject(errorOf(message.error))
    else if (message.kind === 'listening') sayListening(message, { id, spec, output })
    else sayFailed(message, { id, spec, output })
  })
  socket.once('close', () =>
    reject(
      new NodeError('FAILED_NODE_STOPPED', 'the node stopped, and its forwarded ports with it', {
        next: 'compute-node status tells whether it runs',
      }),
    ),
  )
  socket.resume()
  return promise
}

function sayListening(
  { bind, local }: Extract<ForwardMessage, { kind: 'listening' }>,
  { id, spec: { port }, output }: Watched,
): void {
  const at = `${isIP(bind) === 6 ? `[${bind}]` : bind}:${local}`
  output.event(
    { event: 'listening', lease: id, bind, local, port },
    () => `${at} -> port ${port} of lease ${id.slice(0, 12)}`,
  )
  if (isLoopback(bind)) return
  output.note(`  others who reach this machine reach the service too: ${bind} is not loopback`)
}

function sayFailed(
  { code, message, next }: Extract<ForwardMessage, { kind: 'failed' }>,
  { id, spec: { port }, output }: Watched,
): void {
  const value = { event: 'failed', lease: id, port, code, message }
  output.event(value, () => `a connection to port ${port} failed: ${message}`)
  if (next !== undefined) output.note(`  next: ${next}`)
}

const isLoopback = (address: string): boolean =>
  address.startsWith('127.') || address === '::1' || address === '::ffff:127.0.0.1'
