import type { LeaseUsage } from '../api/lease-usage.ts'
import { NodeError } from '../errors.ts'
import type { ByteStream } from './byte-stream.ts'
import { isLeaseEnded } from './errors.ts'
import type { HttpClient } from './http-client.ts'
import { type LeaseProcess, leaseProcess, type ProcessInput, type Signal } from './lease-process.ts'
import { errorOf } from './problem.ts'
import { channels, openSession } from './session.ts'
import type { ClientSocket } from './transport.ts'

/** A container that is still starting is asked for again after this. */
const STARTING_PAUSE_MS = 1000

/** Where and as whom a command runs. */
export interface CommandPlace {
  /** Variables of this command alone; they travel encrypted and are kept nowhere. */
  readonly env?: Readonly<Record<string, string>> | undefined
  readonly workingDir?: string | undefined
  /** `name`, `uid` or `uid:gid`; the image's own where absent. */
  readonly user?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ExecOptions extends CommandPlace {
  readonly stdin?: ProcessInput | undefined
  /** A pseudo-terminal: both outputs come as stdout. */
  readonly tty?: boolean | undefined
}

export interface ShellOptions extends CommandPlace {
  readonly columns: number
  readonly rows: number
  /** A shell of the image where absent. */
  readonly command?: readonly string[] | undefined
  /** Told once it is open. */
  readonly onOpen?: (() => void) | undefined
  /** Told when the connection broke (`lost`: it is tried to resume) and when the terminal goes on (`resumed`). */
  readonly onNotice?: ((notice: 'lost' | 'resumed') => void) | undefined
}

/** A terminal in a lease. It outlives its connection to the miner; disposing it hangs up. */
export interface LeaseShell extends Disposable {
  /** What it shows, escape sequences and all. */
  readonly output: ByteStream
  /** Types. */
  write(data: string | Uint8Array): Promise<void>
  resize(columns: number, rows: number): Promise<void>
  readonly exit: Promise<number>
  kill(signal?: Signal): Promise<void>
}

export interface LogsOptions {
  /** Goes on with what comes; ends with the lease. */
  readonly follow?: boolean | undefined
  /** Only so many lines from the end. */
  readonly tail?: number | undefined
  /** Only what came later; unix ms. */
  readonly sinceMs?: number | undefined
  /** Puts the time before each line. */
  readonly timestamps?: boolean | undefined
  /** Told once it is open. */
  readonly onOpen?: (() => void) | undefined
  /** Told when the connection to the miner broke (`lost`), and when reading goes on after the last line (`resumed`). */
  readonly onNotice?: ((notice: 'lost' | 'resumed') => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A piece of what a lease's main process printed. */
export interface LogPiece {
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** The same as bytes, which may end within a character. */
export interface LogBytes {
  readonly stream: 'stdout' | 'stderr'
  readonly data: Uint8Array
}

export interface UsageOptions {
  /** A second where absent. */
  readonly everyMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

export interface ForwardOptions {
  /** On this machine; a free one where absent. */
  readonly localPort?: number | undefined
  /** Address of this machine to listen on; 127.0.0.1 where absent. Others reach the port on any other one. */
  readonly bind?: string | undefined
  /** Told of each connection that could not be carried. */
  readonly onFailure?: ((error: NodeError) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A port of a lease on the node's machine, until disposed or its lease ends. */
export interface ForwardedPort extends Disposable {
  readonly port: number
  readonly localPort: number
  /** `http://127.0.0.1:PORT`, for what speaks HTTP. */
  readonly url: string
  /** Never resolves; rejects with what ended it before it was disposed of. */
  readonly ended: Promise<never>
}

interface Place {
  readonly http: HttpClient
  /** `/v1/leases/ID`. */
  readonly path: string
}

/** Runs a command; its handle comes at once, and tells what becomes of it. */
export function execIn(
  { http, path }: Place,
  argv: readonly string[],
  { stdin, signal, ...asked }: ExecOptions,
): LeaseProcess {
  const request = { ...asked, command: argv }
  const socket = openedWhenStarted(
    () => http.webSocket({ path: `${path}/exec`, request, signal }),
    signal,
  )
  return leaseProcess(openSession(socket, { signal }), stdin)
}

export function shellIn(
  { http, path }: Place,
  { signal, columns, rows, onOpen, onNotice, ...asked }: ShellOptions,
): LeaseShell {
  const request = { ...asked, size: { columns, rows } }
  const socket = openedWhenStarted(
    () => http.webSocket({ path: `${path}/shell`, request, signal }),
    signal,
  )
  const session = openSession(socket, {
    signal,
    onOpen,
    onNotice: ({ kind }) => tellNotice(kind, onNotice),
  })
  return {
    output: session.stdout,
    write: (data) => session.stdin.write(data),
    resize: (toColumns, toRows) =>
      session.tell({ kind: 'resize', columns: toColumns, rows: toRows }),
    get exit() {
      return session.ended().then((code) => code ?? 0)
    },
    kill: (name = 'SIGTERM') => session.tell({ kind: 'signal', signal: name }),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  }
}

const tellNotice = (
  kind: unknown,
  onNotice: ((notice: 'lost' | 'resumed') => void) | undefined,
): void => {
  if (kind === 'lost' || kind === 'resumed') onNotice?.(kind)
}

/** What the main process printed, in order. */
export async function* logsOf(
  place: Place,
  options: LogsOptions,
): AsyncGenerator<LogPiece, void, void> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  for await (const { stream, data } of logBytesOf(place, options)) {
    const text = decoders[stream].decode(data, { stream: true })
    if (text !== '') yield { stream, text }
  }
}

/** The same byte by byte. */
export async function* logBytesOf(
  { http, path }: Place,
  { signal, sinceMs, onOpen, onNotice, ...asked }: LogsOptions,
): AsyncGenerator<LogBytes, void, void> {
  const since = sinceMs === undefined ? {} : { since: nanosecondsOf(sinceMs) }
  const request = { ...asked, ...since }
  const socket = await openedWhenStarted(
    () => http.webSocket({ path: `${path}/logs`, request, signal }),
    signal,
  )
  const onAbort = (): void => socket.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  onOpen?.()
  try {
    for await (const message of socket.messages()) {
      signal?.throwIfAborted()
      if (typeof message === 'string') {
        tellNotice((JSON.parse(message) as { readonly kind?: unknown }).kind, onNotice)
        continue
      }
      const stream = message[0] === channels.stderr ? 'stderr' : 'stdout'
      yield { stream, data: message.subarray(1) }
    }
    signal?.throwIfAborted()
  } catch (error) {
    // Its lease's end is the end of what it prints, whichever of the two is heard first.
    if (asked.follow !== true || !isLeaseEnded(error)) throw error
  } finally {
    signal?.removeEventListener('abort', onAbort)
    socket.close()
  }
}

/** What it uses, sample by sample. @throws what ended it, FAILED_LEASE_ENDED with the lease */
export async function* usageOf(
  { http, path }: Place,
  { everyMs, signal }: UsageOptions,
): AsyncGenerator<LeaseUsage, void, void> {
  const asked = { path: `${path}/usage`, query: { everyMs }, signal }
  for await (const { event, data } of http.events(asked)) {
    if (event === 'usage') yield data as LeaseUsage
    else if (event === 'ended') throw errorOf((data as { readonly error: unknown }).error)
  }
}

/** The protocol's times are UTC with nine places. */
const nanosecondsOf = (ms: number): string => new Date(ms).toISOString().replace('Z', '000000Z')

/** Resolves once the node listens. @throws BAD_CONFIG_PORT when that port is busy */
export async function forwardOf(
  { http, path }: Place,
  port: number,
  { localPort = 0, bind = '127.0.0.1', onFailure = () => undefined, signal }: ForwardOptions,
): Promise<ForwardedPort> {
  const query = { port, bind, local: localPort }
  const socket = await http.webSocket({ path: `${path}/forward`, query, signal })
  const { promise: listening, resolve, reject } = Promise.withResolvers<number>()
  const ended = hearForward(socket, resolve, onFailure).catch((error: unknown) => {
    signal?.throwIfAborted()
    throw error
  })
  ended.catch(reject)
  const onAbort = (): void => socket.close()
  signal?.addEventListener('abort', onAbort, { once: true })
  const local = await listening
  return {
    port,
    localPort: local,
    url: `http://${bind.includes(':') ? `[${bind}]` : bind}:${local}`,
    ended,
    [Symbol.dispose]: () => {
      signal?.removeEventListener('abort', onAbort)
      socket.close()
    },
  }
}

async function hearForward(
  socket: ClientSocket,
  onListening: (local: number) => void,
  onFailure: (error: NodeError) => void,
): Promise<never> {
  for await (const message of socket.messages()) {
    const heard = JSON.parse(String(message)) as Readonly<Record<string, unknown>>
    if (heard['kind'] === 'listening') onListening(Number(heard['local']))
    else {
      const failure = errorOf(heard)
      if (failure !== undefined) onFailure(failure)
    }
  }
  throw new NodeError('FAILED_CLOSED', 'the forwarded port was closed')
}

/** A container that is still starting is asked for again until `signal` aborts. */
export async function openedWhenStarted<T>(
  open: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  for (;;) {
    signal?.throwIfAborted()
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof NodeError) || error.code !== 'PEER_STARTING') throw error
      await new Promise((resolve) => setTimeout(resolve, STARTING_PAUSE_MS))
    }
  }
}
