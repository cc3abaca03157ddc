import type { WebSocket } from 'ws'
import { sleep } from '../../clock.ts'
import { codeOf, NodeError } from '../../errors.ts'
import { channels } from '../../protocols/session.ts'
import { KiB, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { errorOf } from '../control/problem.ts'
import type { ExecAsked } from '../control/routes/exec.ts'
import { toJson } from '../output.ts'
import type { Terminal } from './command.ts'

/** How long a command may take to end after Ctrl-C reached it. */
const INTERRUPT_MS = secondsMs(5)
const STARTING_PAUSE_MS = secondsMs(1)

/** A message to the node has at most 1 MiB. */
const PIECE_BYTES = 256 * KiB

/** The path of a lease in the control API. */
export const leasePath = (lease: string, rest = ''): string =>
  `/v1/leases/${encodeURIComponent(lease)}${rest}`

/**
 * Runs a command in a lease with this terminal's input and output, and resolves with its exit code. The first Ctrl-C
 * is passed on as SIGINT.
 * @throws REFUSED_NOT_AUTHORIZED; PEER_OUTCOME_UNKNOWN when the connection broke while it ran
 */
export async function runInLease(
  client: ControlClient,
  lease: string,
  asked: ExecAsked,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const path = withQuery(leasePath(lease, '/exec'), { request: toJson(asked) })
  const socket = await openWhenStarted(client, path, signal)
  const life = new AbortController()
  try {
    const ended = outcomeOf(socket, terminal)
    sendInput(socket, terminal.stdin, life.signal)
    onInterrupt(socket, signal, life.signal)
    socket.resume()
    return await ended
  } finally {
    life.abort()
    socket.close()
  }
}

/** A container that is still starting is asked for again until the person has had enough. */
async function openWhenStarted(client: ControlClient, path: string, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted()
    try {
      return await client.webSocket(path)
    } catch (error) {
      if (codeOf(error) !== 'PEER_STARTING') throw error
      await sleep(STARTING_PAUSE_MS, signal) // an honest miner waits before it says so; another may not
    }
  }
}

/** Writes what the command prints, no faster than the terminal takes it. */
function outcomeOf(socket: WebSocket, terminal: Terminal): Promise<number> {
  return new Promise((resolve, reject) => {
    let exitCode: number | undefined
    const print = createPrinter(socket, terminal)
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) return print(data)
      const message = JSON.parse(data.toString()) as Record<string, unknown>
      if (message['kind'] === 'exit') exitCode = Number(message['exitCode'])
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

/** One chunk on its way at a time, so that a slow command slows whoever feeds it. */
function sendInput(socket: WebSocket, stdin: Terminal['stdin'], life: AbortSignal): void {
  let last: Promise<void> = Promise.resolve()
  const onData = (chunk: Buffer | string): void => {
    stdin.pause()
    last = last.then(() => sendChunk(socket, Buffer.from(chunk)))
    void last.then(() => {
      if (!life.aborted) stdin.resume()
    })
  }
  // 'end' may come while the last chunk is still on its way.
  const onEnd = (): void => {
    void last.then(() => socket.send(toJson({ kind: 'eof' })))
  }
  stdin.on('data', onData).once('end', onEnd)
  life.addEventListener('abort', () => {
    stdin.off('data', onData).off('end', onEnd)
    stdin.pause()
  })
}

/** Never rejects: that the socket closed, its reader tells. */
async function sendChunk(socket: WebSocket, data: Buffer): Promise<void> {
  for (let at = 0; at < data.length; at += PIECE_BYTES) {
    const piece = data.subarray(at, at + PIECE_BYTES)
    const message = Buffer.concat([Uint8Array.of(channels.stdin), piece])
    await new Promise<void>((resolve) => socket.send(message, () => resolve()))
  }
}

function onInterrupt(socket: WebSocket, signal: AbortSignal, life: AbortSignal): void {
  const interrupt = (): void => {
    socket.send(toJson({ kind: 'signal', signal: 'SIGINT' }))
    const timer = setTimeout(() => socket.terminate(), INTERRUPT_MS)
    life.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
  if (signal.aborted) interrupt()
  else signal.addEventListener('abort', interrupt, { once: true })
  life.addEventListener('abort', () => signal.removeEventListener('abort', interrupt))
}
