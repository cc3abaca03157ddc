import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { secondsMs } from '../units.ts'
import { askDocker } from './docker-client.ts'
import { LEASE_NETWORK } from './lease-network.ts'
import { dialLoopback } from './loopback-dial.ts'
import type { Tool } from './toolbox.ts'

export interface DialParts {
  readonly docker: Docker
  readonly container: Docker.Container
  /** The container that holds its network, if another does. */
  readonly holder: string | undefined
  readonly tools: readonly Tool[]
  /** Whether its address leads to it: its bridge is one of this machine's network. */
  readonly isNear: boolean
}

/** An address on this machine answers at once; where the engine is behind a virtual machine nothing answers. */
const CONNECT_MS = secondsMs(1)

/**
 * Connects to a port of a container: by its address where the engine runs on this machine (0.1 ms, 565 MB/s), and where
 * nothing answers there, or the engine is elsewhere, by a command inside (50 ms, 22–70 MB/s), which also reaches what
 * listens on loopback alone (notes/containers.md §5).
 */
export async function dialIn(
  parts: DialParts,
  port: number,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  const address = parts.isNear ? await addressOf(parts) : undefined
  if (address !== undefined) {
    const socket = await tryConnect(address, port, signal)
    if (socket !== undefined) return socket
  }
  signal?.throwIfAborted()
  return dialLoopback(parts.container, parts.tools, port, signal)
}

/**
 * Asked every time, and of a container that runs: once it has ended, its address may be another lease's. Undefined when
 * it has none.
 */
async function addressOf({ docker, container, holder }: DialParts): Promise<string | undefined> {
  const look = (one: Docker.Container) =>
    askDocker('look at the container', (abortSignal) => one.inspect({ abortSignal }))
  const [own, network] = await Promise.all([
    look(container),
    holder === undefined ? undefined : look(docker.getContainer(holder)),
  ])
  const { State, NetworkSettings } = network ?? own
  if (!own.State.Running || !State.Running) return undefined
  return NetworkSettings.Networks[LEASE_NETWORK]?.IPAddress || undefined
}

/** A connection, or undefined when nothing takes one. */
function tryConnect(
  host: string,
  port: number,
  signal: AbortSignal | undefined,
): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, allowHalfOpen: true, keepAlive: true, noDelay: true })
    const timer = setTimeout(() => settle(undefined), CONNECT_MS)
    const onAbort = (): void => {
      reject(signal?.reason)
      settle(undefined)
    }
    const settle = (found: Socket | undefined): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.off('error', onError)
      if (found === undefined) socket.on('error', () => undefined).destroy() // given up
      resolve(found)
    }
    const onError = (): void => settle(undefined)
    socket.once('error', onError)
    socket.once('connect', () => settle(socket))
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
