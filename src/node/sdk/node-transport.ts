import type { Transport } from '../../client/transport.ts'
import { webTransport } from '../../client/web-transport.ts'
import { NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { openFrames } from '../control/client.ts'
import { openNodeSocket } from './node-socket.ts'
import { type UnixTransport, unixTransport } from './unix-transport.ts'

/** A transport that carries bulk, too. */
export interface NodeTransport extends Transport, Disposable {
  /** A connection that carries frames (docs/wire.md); rejects with the node's refusal. */
  frames(path: string, signal?: AbortSignal): Promise<FrameChannel>
}

/** To the node of a data folder, through its control socket. */
export function socketTransport(socketPath: string): NodeTransport & Pick<UnixTransport, 'hold'> {
  const unix = unixTransport(socketPath)
  return {
    ...unix,
    frames: (path, signal) => openFrames({ socketPath, ...given(signal) }, path),
  }
}

/** To a node's loopback port. @throws BAD_CONFIG_URL, BAD_CONFIG_TOKEN */
export function urlTransport(url: string, token: string | undefined): NodeTransport {
  if (token === undefined) {
    throw new NodeError('BAD_CONFIG_TOKEN', 'a node at an address is asked with a token', {
      next: 'give the content of control.token in its data folder, or one of compute-node token create',
    })
  }
  const web = webTransport({ url, token, openSocket: openNodeSocket })
  const { hostname: host, port } = new URL(url)
  const headers = { host: new URL(url).host, authorization: `Bearer ${token}` }
  return {
    ...web,
    frames: (path, signal) => openFrames({ host, port, headers, ...given(signal) }, path),
    [Symbol.dispose]: () => undefined,
  }
}

const given = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal })
