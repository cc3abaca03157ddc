import { randomBytes, randomInt } from 'node:crypto'
import { get } from 'node:http'
import type { Readable } from 'node:stream'
import type { ExecAsked } from '../../api/sessions.ts'
import { sleep } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { KiB, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { sessionStreams } from '../control/session-client.ts'
import { toJson } from '../output.ts'
import { openForward } from './forwarded-port.ts'
import { leasePath } from './lease-path.ts'
import { openWhenStarted } from './session-socket.ts'

/** What `jupyter NAME` runs, the best first, and where each shows its page. */
const PROGRAMS = [
  ['jupyter-lab', '/lab'],
  ['jupyter-notebook', '/tree'],
  ['jupyter-server', '/'],
] as const

/** The first of these on the image's own path; nothing when it has none. */
const FIND = `for p in ${PROGRAMS.map(([name]) => name).join(' ')}; do
  command -v "$p" >/dev/null && echo "$p" && exit
done`

/** $0 a log file, $@ a command that prints into it. */
const WITH_LOG = 'exec "$@" >"$0" 2>&1 </dev/null'

/** Below the ports that a kernel gives to outgoing connections. */
const PORTS = [20_000, 30_000] as const
/** Its first start on a cold disk takes tens of seconds. */
const START_MS = secondsMs(180)
const LOOK_MS = 250
const ANSWER_MS = secondsMs(10)
/** What is kept of what it prints, for the case that it fails. */
const LOG_BYTES = 4 * KiB

/** A Jupyter server in a lease that answers on this machine; disposing it ends the way there and, unless detached, it. */
export interface Jupyter extends Disposable {
  /** Of this machine, the token within. */
  readonly url: string
  readonly local: number
  /** In the lease, on loopback. */
  readonly port: number
  readonly program: string
  /** Resolves when somebody shut it down; rejects with what else ended it. */
  readonly ended: Promise<void>
}

export interface JupyterAsked {
  readonly env: Readonly<Record<string, string>>
  readonly workingDir?: string
  readonly user?: string
  /** It runs on when this command has ended. */
  readonly detach: boolean
}

/**
 * Starts Jupyter in a lease with a token of its own and resolves once it answers. The token travels in the command's
 * environment: who lists processes does not see it.
 * @throws NOTHING_MATCHED_JUPYTER when the image has none, FAILED_JUPYTER when it does not start
 */
export async function startJupyter(
  client: ControlClient,
  lease: string,
  { detach, ...place }: JupyterAsked,
  signal: AbortSignal,
): Promise<Jupyter> {
  const open = async (asked: ExecAsked) => {
    const path = withQuery(leasePath(lease, '/exec'), { request: toJson({ ...place, ...asked }) })
    return sessionStreams(await openWhenStarted(client, path, signal))
  }
  const [program, page] = await findProgram(open)
  const port = randomInt(...PORTS)
  const token = randomBytes(24).toString('hex')
  const command = commandOf(program, port)
  const logFile = `/tmp/jupyter-${port}.log`
  using stack = new DisposableStack()
  const session = await open({
    command: detach ? ['sh', '-c', WITH_LOG, logFile, ...command] : command,
    env: { ...place.env, JUPYTER_TOKEN: token },
    ...(detach ? { detach } : {}),
  })
  stack.defer(session.close)
  const log = lastOf(session.stderr)
  session.stdout.resume()
  const shut = outcomeOf(session.ended, { detach, log, lease })
  shut.catch(() => undefined) // told below, or through `ended`
  const where = { bind: '127.0.0.1', local: 0, port }
  const forwarded = stack.use(await openForward(client, lease, where, () => undefined))
  const ended = Promise.race([shut, forwarded.ended])
  ended.catch(() => undefined) // whoever waits for it is told
  const { local } = forwarded
  await untilAnswers({ local, token, ended, signal, log, logFile: detach ? logFile : undefined })
  const owned = stack.move()
  return {
    url: `http://127.0.0.1:${local}${page}?token=${token}`,
    ...{ local, port, program, ended },
    [Symbol.dispose]: () => owned.dispose(),
  }
}

type Session = ReturnType<typeof sessionStreams>

async function findProgram(
  open: (asked: ExecAsked) => Promise<Session>,
): Promise<(typeof PROGRAMS)[number]> {
  const session = await open({ command: ['sh', '-c', FIND] })
  const found = lastOf(session.stdout)
  session.stderr.resume()
  await session.ended
  const program = PROGRAMS.find(([name]) => name === found().trim())
  if (program !== undefined) return program
  throw new NodeError('NOTHING_MATCHED_JUPYTER', 'the lease’s image has no Jupyter', {
    next: 'install it (compute-node exec LEASE -- pip install jupyterlab), or rent an image that has it: --image jupyter/base-notebook',
  })
}

/** Options that the servers of all three know; alone on its port, or not at all. */
const commandOf = (program: string, port: number): string[] => [
  program,
  '--no-browser',
  '--ip=127.0.0.1',
  `--port=${port}`,
  '--port-retries=0',
  '--allow-root',
]

/** The end of what is printed, so far. */
function lastOf(stream: Readable): () => string {
  let last = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    last = Buffer.concat([last, chunk]).subarray(-LOG_BYTES)
  })
  return () => last.toString()
}

async function outcomeOf(
  ended: Session['ended'],
  { detach, log, lease }: { detach: boolean; log: () => string; lease: string },
): Promise<void> {
  const exitCode = await ended
  if (detach) return new Promise<never>(() => undefined) // that was its start alone
  if (exitCode === 0) return
  throw failed(`Jupyter ended with exit code ${exitCode}:\n${log().trimEnd()}`, lease)
}

const failed = (message: string, lease: string): NodeError =>
  new NodeError('FAILED_JUPYTER', message, {
    next: `try it by hand: compute-node shell ${lease.slice(0, 12)} -- jupyter lab`,
  })

interface Start {
  readonly local: number
  readonly token: string
  readonly ended: Promise<void>
  readonly signal: AbortSignal
  readonly log: () => string
  readonly logFile: string | undefined
}

/** @throws FAILED_JUPYTER when it ends first, takes too long, or does not take its token */
async function untilAnswers({ local, token, ended, signal, log, logFile }: Start): Promise<void> {
  const early = ended.then(() => {
    throw new NodeError('FAILED_JUPYTER', `Jupyter ended before it answered:\n${log().trimEnd()}`)
  })
  early.catch(() => undefined) // raced below
  for (const endMs = Date.now() + START_MS; Date.now() < endMs; ) {
    const status = await Promise.race([early, statusOf(local, token)])
    if (status === 200) return
    if (status === 401 || status === 403) {
      throw new NodeError('FAILED_JUPYTER', 'Jupyter does not take the token it was given', {
        next: 'look for a password or token in the image’s own configuration of Jupyter',
      })
    }
    await Promise.race([early, sleep(LOOK_MS, signal)])
  }
  throw new NodeError('FAILED_JUPYTER', `Jupyter did not answer within ${START_MS / 1000} s`, {
    next: logFile === undefined ? 'try again' : `compute-node exec LEASE -- cat ${logFile}`,
  })
}

/** What it says to who has the token; undefined while nothing answers. */
function statusOf(port: number, token: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = get({
      ...{ host: '127.0.0.1', port, path: '/api/status', agent: false, timeout: ANSWER_MS },
      headers: { authorization: `token ${token}` },
    })
    request.once('response', (response) => {
      response.resume().on('error', () => undefined) // its head said enough
      resolve(response.statusCode)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(undefined))
  })
}
