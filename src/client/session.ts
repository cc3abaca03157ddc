import { NodeError } from '../errors.ts'
import { KiB, MiB } from '../units.ts'
import { type ByteStream, byteSource } from './byte-stream.ts'
import { errorOf } from './problem.ts'
import type { ClientSocket } from './transport.ts'

/** The first byte of a binary message says which stream the rest belongs to. */
export const channels = { stdin: 0, stdout: 1, stderr: 2 } as const

/** A message to the node has at most 1 MiB. */
const PIECE_BYTES = 256 * KiB
/** What may come unread over a socket that does not hold its sender back. */
const WINDOW_BYTES = MiB

/** What goes in: bytes at the pace of whoever takes them. */
export interface SessionInput {
  /** Resolves once it is on its way; after the session's end nothing happens. */
  write(data: string | Uint8Array): Promise<void>
  /** End of input. */
  end(): Promise<void>
}

/** A text message of the node that is neither an end nor an error, e.g. `{"kind":"lost"}`. */
export type Notice = Readonly<Record<string, unknown>>

/** A session in a lease: its streams over one socket. */
export interface Session extends Disposable {
  readonly stdin: SessionInput
  readonly stdout: ByteStream
  readonly stderr: ByteStream
  /**
   * Resolves with the exit code (undefined for what has none) once all output came; rejects with what broke it, unhandled
   * when nobody ever looked at the session.
   */
  ended(): Promise<number | undefined>
  tell(message: object): Promise<void>
  /** Ends it with this error. */
  fail(error: unknown): void
}

interface SessionOptions {
  readonly signal?: AbortSignal | undefined
  /** Told once the node has accepted it. */
  readonly onOpen?: (() => void) | undefined
  readonly onNotice?: (notice: Notice) => void
}

/**
 * Makes streams of a socket that is being opened. Both outputs come over it, so a reader of one would wait for a reader of
 * the other: what nobody reads holds nothing back while the other, or the end, is waited for, and keeps its newest MiB.
 */
export function openSession(opening: Promise<ClientSocket>, options: SessionOptions = {}): Session {
  const { signal, onOpen = () => undefined, onNotice = () => undefined } = options
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  const isLookedAt = (): void => void promise.catch(() => undefined)
  const stdout = byteSource(() => {
    isLookedAt()
    stderr.letGo()
  })
  const stderr = byteSource(() => {
    isLookedAt()
    stdout.letGo()
  })
  const outputs = [stdout, stderr]
  const fail = (error: unknown): void => {
    reject(error)
    for (const output of outputs) output.fail(error)
    opening.then(
      (socket) => socket.close(),
      () => undefined, // `hear` meets it
    )
  }
  const onAbort = (): void => {
    isLookedAt() // whoever aborts knows
    fail(signal?.reason)
  }
  const hear = async (): Promise<void> => {
    let exitCode: number | undefined
    const socket = await opening
    const took = socket.holdsBack ? () => undefined : createWindow(socket)
    onOpen()
    for await (const message of socket.messages()) {
      if (typeof message !== 'string') {
        const output = message[0] === channels.stderr ? stderr : stdout
        const data = message.subarray(1)
        await output.push(data)
        took(data.length)
        continue
      }
      const notice = JSON.parse(message) as Notice
      if (notice['kind'] === 'exit') exitCode = Number(notice['exitCode'])
      else if (notice['kind'] === 'eof') stdout.end()
      else if (notice['kind'] === 'failed')
        throw errorOf(notice) ?? new NodeError('FAILED', message)
      else onNotice(notice)
    }
    for (const output of outputs) output.end()
    resolve(exitCode)
  }
  if (signal?.aborted === true) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  hear()
    .catch(fail)
    .finally(() => signal?.removeEventListener('abort', onAbort))
  return {
    stdin: inputOf(opening),
    stdout: stdout.stream,
    stderr: stderr.stream,
    ended() {
      isLookedAt()
      for (const output of outputs) output.letGo()
      return promise
    },
    fail,
    tell: async (message) => (await opening).send(JSON.stringify(message)),
    [Symbol.dispose]: () => {
      isLookedAt()
      fail(new NodeError('FAILED_CLOSED', 'this end closed the session'))
    },
  }
}

/** Tells the node how far the reader is, in time; to be called with every number of bytes that it took. */
function createWindow(socket: ClientSocket): (bytes: number) => void {
  let taken = 0
  let upTo = 0
  const took = (bytes: number): void => {
    taken += bytes
    if (upTo - taken > WINDOW_BYTES / 2) return
    upTo = taken + WINDOW_BYTES
    void socket.send(JSON.stringify({ kind: 'window', upTo }))
  }
  took(0)
  return took
}

/** One write after the other, however many are under way. */
function inputOf(opening: Promise<ClientSocket>): SessionInput {
  let last: Promise<void> = Promise.resolve()
  const inTurn = (work: (socket: ClientSocket) => Promise<void>): Promise<void> => {
    const done = last.then(async () => work(await opening))
    last = done.catch(() => undefined) // whoever wrote it is told
    return done
  }
  return {
    write: (data) =>
      inTurn(async (socket) => {
        const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
        for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
          const piece = bytes.subarray(at, at + PIECE_BYTES)
          const message = new Uint8Array(1 + piece.length)
          message[0] = channels.stdin
          message.set(piece, 1)
          await socket.send(message)
        }
      }),
    end: () => inTurn((socket) => socket.send(JSON.stringify({ kind: 'eof' }))),
  }
}
