import { NodeError } from '../errors.ts'
import { KiB, MiB } from '../units.ts'
import { errorOf } from './problem.ts'
import type { ClientSocket } from './transport.ts'

/** What may wait for the reader before the sender is held back, and for the network before `send` waits. */
const WAITING_BYTES = 512 * KiB
/** A browser's socket cannot be held back: a reader so far behind is cut off rather than kept in memory. */
const MOST_WAITING_BYTES = 64 * MiB
/** How often is looked whether what was sent has left: no event tells. */
const LOOK_MS = 4

/** What the sockets of browsers and those of the package `ws` have in common; only the latter can be held back. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  binaryType: string
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void
  addEventListener(type: 'open', listener: (event: unknown) => void): void
  addEventListener(type: 'error', listener: (event: unknown) => void): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number): void
  pause?(): void
  resume?(): void
}

const OPEN = 1

/** Makes a socket that is open, or about to be, one that is read at its reader's pace. */
export function clientSocket(socket: WebSocketLike): ClientSocket {
  socket.binaryType = 'pause' in socket ? 'nodebuffer' : 'arraybuffer'
  const waiting: (string | Uint8Array)[] = []
  let waitingBytes = 0
  let over: { readonly error?: NodeError } | undefined
  let wake = (): void => undefined
  socket.addEventListener('message', ({ data }) => {
    const message = typeof data === 'string' ? data : bytesOf(data)
    waiting.push(message)
    waitingBytes += message.length
    if (waitingBytes > WAITING_BYTES) socket.pause?.()
    if (waitingBytes > MOST_WAITING_BYTES) {
      over ??= { error: tooSlow() }
      socket.close()
    }
    wake()
  })
  socket.addEventListener('error', () => undefined) // its close tells
  socket.addEventListener('close', ({ code }) => {
    over ??= code === 1000 ? {} : { error: brokenOff() }
    wake()
  })
  return {
    holdsBack: socket.pause !== undefined,
    async *messages() {
      for (;;) {
        const message = waiting.shift()
        if (message !== undefined) {
          waitingBytes -= message.length
          if (waitingBytes <= WAITING_BYTES) socket.resume?.()
          const error = typeof message === 'string' ? lastWords(message) : undefined
          if (error !== undefined) throw error
          yield message
        } else if (over?.error !== undefined) throw over.error
        else if (over !== undefined) return
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
    async send(message) {
      if (socket.readyState !== OPEN) return
      socket.send(message)
      while (socket.bufferedAmount > WAITING_BYTES && socket.readyState === OPEN) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
      }
    },
    close: () => {
      over ??= {}
      socket.resume?.() // the answering close frame must be read
      socket.close()
      wake()
    },
  }
}

const bytesOf = (data: unknown): Uint8Array =>
  data instanceof Uint8Array ? data : new Uint8Array(data as ArrayBuffer)

/** A node that fails after it accepted says why in a last message. */
function lastWords(text: string): NodeError | undefined {
  const message: unknown = JSON.parse(text)
  if (typeof message !== 'object' || message === null || !('error' in message)) return undefined
  return errorOf(message.error)
}

const brokenOff = (): NodeError =>
  new NodeError('PEER_OUTCOME_UNKNOWN', 'outcome unknown: the node stopped while it ran', {
    cause: new NodeError('FAILED_NODE_STOPPED', 'the connection to the node broke'),
    next: 'compute-node leases shows what becomes of the lease',
  })

const tooSlow = (): NodeError =>
  new NodeError(
    'FAILED_SLOW_READER',
    'more came than was read, and a browser cannot hold it back',
    {
      next: 'read it as it comes, or read less at once',
    },
  )
