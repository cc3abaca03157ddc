import type { WebSocket } from 'ws'
import type { ExecAsked } from '../../api/sessions.ts'
import { channels } from '../../protocols/session.ts'
import { KiB, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { toJson } from '../output.ts'
import type { Terminal } from './command.ts'
import { leasePath } from './lease-path.ts'
import { openWhenStarted, outcomeOf } from './session-socket.ts'

/** How long a command may take to end after Ctrl-C reached it. */
const INTERRUPT_MS = secondsMs(5)

/** A message to the node has at most 1 MiB. */
const PIECE_BYTES = 256 * KiB

/**
 * Runs a command in a lease with this terminal's input and output, and resolves with its exit code. The first Ctrl-C
 * is passed on as SIGINT. One that is to `detach` has started then, and its id was printed.
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
    const ended = outcomeOf(socket, terminal, ({ kind, id }) => {
      if (kind === 'detached') terminal.stdout.write(`${id}\n`)
    })
    sendInput(socket, terminal.stdin, life.signal)
    onInterrupt(socket, signal, life.signal)
    socket.resume()
    return await ended
  } finally {
    life.abort()
    socket.close()
  }
}

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
