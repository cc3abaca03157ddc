import type { WebSocket } from 'ws'
import type { ShellAsked } from '../../api/sessions.ts'
import { NodeError } from '../../errors.ts'
import { channels } from '../../protocols/session.ts'
import { SHELL_GRACE_MS } from '../../protocols/session-shell.ts'
import { KiB } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { toJson } from '../output.ts'
import type { Terminal } from './command.ts'
import { createEscapeKeys } from './escape-keys.ts'
import { leasePath } from './lease-path.ts'
import { enterRawMode, type RawTerminal } from './raw-terminal.ts'
import { openWhenStarted, outcomeOf } from './session-socket.ts'

/** What may wait on its way to the node before no more is read. */
const WAITING_BYTES = 256 * KiB
const ESCAPES = [
  '~.  leave: the command is hung up on',
  '~~  a tilde',
  '~?  this list',
  '(each at the beginning of a line)',
]

/**
 * Runs a command with a terminal in a lease, this terminal's own while it lasts, and resolves with its exit code.
 * @throws FAILED_INTERRUPTED when the person leaves it; PEER_OUTCOME_UNKNOWN when the connection did not come back
 */
export async function runShell(
  client: ControlClient,
  lease: string,
  asked: Omit<ShellAsked, 'size'>,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const request = { ...asked, env: { TERM: termOf(terminal), ...asked.env } }
  const query = { request: toJson({ ...request, size: sizeOf(terminal) }) }
  const socket = await openWhenStarted(client, withQuery(leasePath(lease, '/shell'), query), signal)
  using raw = enterRawMode(terminal)
  using life = endWithScope()
  const left = Promise.withResolvers<never>()
  const onAbort = (): void => left.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const ended = outcomeOf(socket, terminal, (notice) => tellConnection(terminal, notice))
    sendKeys(socket, terminal, { raw, left: left.reject, life: life.signal })
    followSize(socket, terminal, life.signal)
    socket.resume()
    return await Promise.race([ended, left.promise])
  } catch (error) {
    if (raw.isRaw) raw.calm()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.close()
  }
}

function endWithScope() {
  const controller = new AbortController()
  return { signal: controller.signal, [Symbol.dispose]: () => controller.abort() }
}

/** What the remote programs shall take this terminal for. */
const termOf = ({ stdout }: Terminal): string =>
  (stdout.isTTY === true ? process.env['TERM'] : undefined) ?? 'xterm'

const sizeOf = ({ stdout: { columns = 80, rows = 24 } }: Terminal) => ({
  columns: Math.max(1, columns),
  rows: Math.max(1, rows),
})

/** On lines of its own: the cursor may be anywhere. */
const say = ({ stderr }: Terminal, text: string): void => void stderr.write(`\r\n[${text}]\r\n`)

function tellConnection(terminal: Terminal, notice: Readonly<Record<string, unknown>>): void {
  if (notice['kind'] === 'lost') {
    const seconds = SHELL_GRACE_MS / 1000
    say(terminal, `connection lost; trying for ${seconds} s to resume, the command runs on`)
  } else if (notice['kind'] === 'resumed') say(terminal, 'resumed')
}

interface KeyParts {
  readonly raw: RawTerminal
  readonly left: (reason: NodeError) => void
  readonly life: AbortSignal
}

/** Keys go out as they come; a pipe that is faster than the command waits. */
function sendKeys(socket: WebSocket, terminal: Terminal, { raw, left, life }: KeyParts): void {
  const { stdin } = terminal
  const escapes = raw.isRaw ? createEscapeKeys() : undefined
  const onSent = (): void => {
    if (!life.aborted && stdin.isPaused() && socket.bufferedAmount <= WAITING_BYTES) stdin.resume()
  }
  const onData = (chunk: Buffer | string): void => {
    const data = Buffer.from(chunk)
    const typed = escapes?.(data)
    if (typed?.help === true) say(terminal, ESCAPES.join('\r\n '))
    sendBytes(socket, typed?.pass ?? data, onSent)
    if (typed?.leave === true) left(new NodeError('FAILED_INTERRUPTED', 'left with ~.'))
    if (socket.bufferedAmount > WAITING_BYTES) stdin.pause()
  }
  const onEnd = (): void => socket.send(toJson({ kind: 'eof' }))
  stdin.on('data', onData).once('end', onEnd)
  life.addEventListener('abort', () => {
    stdin.off('data', onData).off('end', onEnd)
    stdin.pause()
  })
}

/** A message to the node has at most 1 MiB. */
function sendBytes(socket: WebSocket, data: Uint8Array, onSent: () => void): void {
  for (let at = 0; at < data.length; at += WAITING_BYTES) {
    const piece = data.subarray(at, at + WAITING_BYTES)
    socket.send(Buffer.concat([Uint8Array.of(channels.stdin), piece]), onSent)
  }
}

function followSize(socket: WebSocket, terminal: Terminal, life: AbortSignal): void {
  const onResize = (): void => socket.send(toJson({ kind: 'resize', ...sizeOf(terminal) }))
  terminal.stdout.on('resize', onResize)
  life.addEventListener('abort', () => terminal.stdout.off('resize', onResize))
}
