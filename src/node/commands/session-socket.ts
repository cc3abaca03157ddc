import type { WebSocket } from 'ws'
import { sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { channels } from '../../protocols/session.ts'
import { secondsMs } from '../../units.ts'
import type { ControlClient } from '../control/client.ts'
import { errorOf } from '../control/problem.ts'
import type { Terminal } from './command.ts'

const STARTING_PAUSE_MS = secondsMs(1)

/** A session's WebSocket, as `whenStarted` has it. */
export const openWhenStarted = (
  client: ControlClient,
  path: string,
  signal: AbortSignal,
): Promise<WebSocket> => whenStarted(() => client.webSocket(path), signal)

/** A container that is still starting is asked for again until the person has had enough. */
export async function whenStarted<T>(open: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await open()
    } catch (error) {
      if (codeOf(error) !== 'PEER_STARTING') throw error
      await sleep(STARTING_PAUSE_MS, signal) // an honest miner waits before it says so; another may not
    }
  }
}

/**
 * Writes what the command prints, no faster than the terminal takes it, and resolves with the exit code. `onNotice` gets
 * every other message.
 */
export function outcomeOf(
  socket: WebSocket,
  terminal: Terminal,
  onNotice: (message: Readonly<Record<string, unknown>>) => void = () => undefined,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let exitCode: number | undefined
    const print = createPrinter(socket, terminal)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) return print(data)
      const message = JSON.parse(data.toString()) as Record<string, unknown>
      if (message['kind'] === 'exit') exitCode = Number(message['exitCode'])
      else onNotice(message)
      const failure = message['kind'] === 'failed' ? message : message['error']
      const error = errorOf(failure)
      if (error !== undefined) reject(error)
    })
    socket.once('error', (cause) => reject(brokenOff(cause)))
    socket.once('close', () => {
      if (exitCode === undefined) reject(brokenOff(undefined))
      else resolve(exitCode)
    })
  })
}

/** Writes what the command prints; the socket rests while either output is full. */
function createPrinter(socket: WebSocket, { stdout, stderr }: Terminal) {
  const full = new Set<NodeJS.WritableStream>()
  return (data: Buffer): void => {
    const to = data[0] === channels.stderr ? stderr : stdout
    if (to.write(data.subarray(1)) || full.has(to)) return
    full.add(to)
    socket.pause()
    to.once('drain', () => {
      full.delete(to)
      if (full.size === 0) socket.resume()
    })
  }
}

const brokenOff = (cause: unknown): NodeError =>
  new NodeError('PEER_OUTCOME_UNKNOWN', 'outcome unknown: the node stopped while it ran', {
    cause,
    next: 'compute-node leases shows what becomes of the lease',
  })
