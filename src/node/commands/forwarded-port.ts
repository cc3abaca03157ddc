import type { ForwardMessage } from '../../api/sessions.ts'
import { NodeError } from '../../errors.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { errorOf } from '../control/problem.ts'
import { leasePath } from './lease-path.ts'

/** Where to listen on this machine (port 0: a free one), and for which port of a lease. */
export interface ForwardSpec {
  readonly bind: string
  readonly local: number
  readonly port: number
}

/** A port of a lease that the node listens for on this machine; disposing it ends that. */
export interface ForwardedPort extends Disposable {
  readonly bind: string
  readonly local: number
  /** Never resolves; rejects with what ended it before it was disposed of. */
  readonly ended: Promise<never>
}

export type FailedConnection = Extract<ForwardMessage, { kind: 'failed' }>

/**
 * Resolves once the node listens; `onFailed` is told of each connection that could not be carried.
 * @throws the node's refusal, e.g. BAD_CONFIG_PORT
 */
export async function openForward(
  client: ControlClient,
  lease: string,
  { bind, local, port }: ForwardSpec,
  onFailed: (connection: FailedConnection) => void,
): Promise<ForwardedPort> {
  const path = withQuery(leasePath(lease, '/forward'), { bind, local, port })
  const socket = await client.webSocket(path)
  const listening = Promise.withResolvers<{ readonly bind: string; readonly local: number }>()
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => undefined) // whoever waits for it is told
  ended.promise.catch(listening.reject)
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ForwardMessage | { readonly error: unknown }
    if ('error' in message) ended.reject(errorOf(message.error))
    else if (message.kind === 'listening') listening.resolve(message)
    else onFailed(message)
  })
  socket.once('close', () => ended.reject(nodeStopped()))
  socket.resume()
  const at = await listening.promise
  return {
    bind: at.bind,
    local: at.local,
    ended: ended.promise,
    [Symbol.dispose]: () => socket.close(),
  }
}

const nodeStopped = (): NodeError =>
  new NodeError('FAILED_NODE_STOPPED', 'the node stopped, and its forwarded ports with it', {
    next: 'compute-node status tells whether it runs',
  })
