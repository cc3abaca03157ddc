import { constants } from 'node:os'
import type { ServerChannel, Session } from 'ssh2'
import type { LoginAsked } from '../../api/sessions.ts'
import { messageOf } from '../../errors.ts'
import { leasePath } from '../commands/lease-path.ts'
import { openWhenStarted } from '../commands/session-socket.ts'
import { withQuery } from '../control/client.ts'
import { type SessionStreams, sessionStreams } from '../control/session-client.ts'
import { toJson } from '../output.ts'
import type { SshLease } from './ssh-lease.ts'

/** Variables a client may set in the lease: what describes its terminal and language. */
const ACCEPTED_ENV =
  /^(LANG|LANGUAGE|LC_[A-Z]+|TZ|COLORTERM|NO_COLOR|TERM_PROGRAM|EDITOR|VISUAL|PAGER)$/

/** Signals that a session passes on (RFC 4254 §6.9 names them without SIG). */
const SIGNALS = ['HUP', 'INT', 'QUIT', 'TERM', 'KILL'] as const

/** ssh(1) itself says 255 when the connection failed. */
const NOT_RUN = 255
/** A terminal that did not say its size (RFC 4254 §6.2 allows zero). */
const DEFAULT_SIZE = { columns: 80, rows: 24 }

interface Terminal {
  term: string
  columns: number
  rows: number
}

/** One session of an SSH connection: the requests before it starts, then what runs. */
export function serveSession(session: Session, lease: SshLease): void {
  const env: Record<string, string> = {}
  let terminal: Terminal | undefined
  let running: SessionStreams | undefined
  const sent = new Set<number>()
  session.on('env', (accept, refuse, { key, val }) => {
    const accepted = ACCEPTED_ENV.test(key)
    if (accepted) env[key] = val
    ;(accepted ? accept : refuse)?.()
  })
  session.on('pty', (accept, _, info) => {
    const { term } = info as { term?: string }
    terminal = { term: term || 'xterm', ...sizeOf(info) }
    accept?.()
  })
  session.on('window-change', (accept, _, info) => {
    running?.tell({ kind: 'resize', ...sizeOf(info) })
    accept?.()
  })
  session.on('signal', (accept, refuse, { name }) => {
    const known = SIGNALS.find((signal) => signal === name.replace(/^SIG/, ''))
    if (known === undefined) return refuse?.()
    sent.add(constants.signals[`SIG${known}`])
    running?.tell({ kind: 'signal', signal: `SIG${known}` })
    accept?.()
  })
  const start = async (channel: ServerChannel, asked: Pick<LoginAsked, 'run' | 'line'>) => {
    const request = { ...asked, ...terminalOf(terminal), env: { ...env, ...termOf(terminal) } }
    const path = withQuery(leasePath(lease.lease, '/login'), { request: toJson(request) })
    channel.on('error', () => undefined) // its close ends what runs
    try {
      running = sessionStreams(await openWhenStarted(lease.client, path, lease.signal))
      end(channel, await carried(channel, running), sent)
    } catch (error) {
      channel.stderr.write(`compute-node: ${messageOf(error)}\r\n`)
      end(channel, NOT_RUN, sent)
    }
  }
  session.on('shell', (accept) => void start(accept(), { run: 'shell' }))
  session.on('exec', (accept, _, { command }) => start(accept(), { run: 'command', line: command }))
  session.on('subsystem', (accept, refuse, { name }) => {
    if (name === 'sftp') void start(accept(), { run: 'sftp' })
    else refuse?.()
  })
}

/** Bytes both ways until the command has ended and the client has all it printed. */
async function carried(channel: ServerChannel, session: SessionStreams): Promise<number> {
  const { stdin, stdout, stderr, ended, close } = session
  channel.once('close', close)
  channel.pipe(stdin)
  stdout.pipe(channel, { end: false })
  stderr.pipe(channel.stderr, { end: false })
  const exitCode = await ended
  await Promise.all([stdout, stderr].map(read))
  return exitCode ?? NOT_RUN
}

const read = (stream: NodeJS.ReadableStream & { readonly readableEnded: boolean }) =>
  stream.readableEnded
    ? undefined
    : new Promise<void>((resolve) => void stream.once('end', resolve))

/** A command that a signal of this session ended says so by its code, 128 and the signal. */
function end(channel: ServerChannel, exitCode: number, sent: ReadonlySet<number>): void {
  const by = SIGNALS.find((name) => constants.signals[`SIG${name}`] === exitCode - 128)
  if (by !== undefined && sent.has(exitCode - 128)) channel.exit(by, false, `killed by SIG${by}`)
  else channel.exit(exitCode)
  channel.end()
}

const sizeOf = ({ cols, rows }: { readonly cols: number; readonly rows: number }) =>
  cols > 0 && rows > 0 ? { columns: cols, rows } : DEFAULT_SIZE

const terminalOf = (terminal: Terminal | undefined): Pick<LoginAsked, 'tty'> =>
  terminal === undefined ? {} : { tty: { columns: terminal.columns, rows: terminal.rows } }

const termOf = (terminal: Terminal | undefined): Record<string, string> =>
  terminal === undefined ? {} : { TERM: terminal.term }
