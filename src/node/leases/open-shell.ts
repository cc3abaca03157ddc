import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { NumberedBytes } from '../../protocols/numbered-bytes.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import {
  type ControlToMiner,
  type ControlToRenter,
  channels,
  controlToMiner,
  controlToRenter,
  type SessionAsk,
} from '../../protocols/session.ts'
import {
  ACKNOWLEDGE_BYTES,
  SHELL_GRACE_MS,
  SHELL_INPUT_BYTES,
  SHELL_PING_MS,
} from '../../protocols/session-shell.ts'
import { secondsMs } from '../../units.ts'
import type { FoundLease } from './find-lease.ts'
import { openSession } from './open-session.ts'
import type { RentBook } from './rent-book.ts'

/** A miner that answers no ping for this long is not there any more, whatever TCP believes. */
const SILENT_MS = secondsMs(20)
/** One attempt to come back; over a connection that is dead without saying so it would hang. */
const ATTEMPT_MS = secondsMs(10)
const PAUSES_MS = [50, 250, 500, 1000, 2000]

/** What a person should know of the connection. */
export interface ShellNotices {
  /** It broke; the command runs on, and it is tried again. */
  onLost(): void
  onResumed(): void
}

/**
 * Opens a terminal in a lease. Its channel outlives the connection: a broken one is resumed within the miner's grace,
 * nothing lost and nothing twice in either direction.
 * @throws as `openSession`; `frames` throws PEER_OUTCOME_UNKNOWN when the connection did not come back in time
 */
export async function openShell(
  book: Pick<RentBook, 'rpc'>,
  lease: Pick<FoundLease, 'leaseId' | 'miner'>,
  ask: Extract<SessionAsk, { kind: 'shell' }>,
  { signal, ...notices }: ShellNotices & { readonly signal: AbortSignal },
): Promise<FrameChannel> {
  const open = (request: SessionAsk, until: AbortSignal) => openSession(book, lease, request, until)
  const first = await open(ask, signal)
  const drop = (): void => book.rpc.peers.drop(lease.miner)
  return new RemoteShell({ first, open, drop, signal, notices, size: ask.size })
}

interface ShellParts {
  readonly first: FrameChannel
  readonly open: (request: SessionAsk, signal: AbortSignal) => Promise<FrameChannel>
  /** Gives up a connection that is dead without saying so. */
  readonly drop: () => void
  readonly signal: AbortSignal
  readonly notices: ShellNotices
  readonly size: { readonly columns: number; readonly rows: number }
}

class RemoteShell implements FrameChannel {
  readonly #parts: ShellParts
  readonly #input = new NumberedBytes(SHELL_INPUT_BYTES)
  #channel: FrameChannel
  #size: ControlToMiner
  #token: Uint8Array | undefined
  #graceMs = SHELL_GRACE_MS
  /** Bytes of output that have come. */
  #received = 0
  #told = 0
  /** The miner has said how the command ended. */
  #isOver = false
  #lostAtMs: number | undefined

  constructor(parts: ShellParts) {
    this.#parts = parts
    this.#channel = parts.first
    this.#size = { kind: 'resize', ...parts.size }
    parts.signal.addEventListener('abort', () => this.#input.wake(), { once: true })
  }

  async send(channel: number, data: Uint8Array): Promise<void> {
    if (channel === channels.stdin) {
      this.#input.put(data)
      while (this.#input.isFull && !this.#parts.signal.aborted) await this.#input.changed()
      return
    }
    const control = controlToMiner.decode(data)
    if (control.kind === 'eof') return this.#input.end() // after what was typed before
    if (control.kind === 'resize') this.#size = control
    await this.#tell(this.#channel, control)
  }

  async *frames() {
    for (;;) {
      try {
        yield* this.#connection(this.#channel)
        return
      } catch (error) {
        if (this.#isOver) return
        if (this.#token === undefined || this.#parts.signal.aborted || !isBroken(error)) throw error
        await this.#reconnect(error)
      }
    }
  }

  end(): Promise<void> {
    return this.#channel.end()
  }

  abort(error: Error): void {
    this.#channel.abort(error)
  }

  /** What one connection brings, from its greeting on. */
  async *#connection(channel: FrameChannel) {
    const life = new AbortController()
    const frames = channel.frames()[Symbol.asyncIterator]()
    const watch = this.#watch(channel)
    try {
      for (;;) {
        watch.waits()
        const next = await frames.next()
        watch.heard()
        if (next.done === true) return
        const { channel: from, data } = next.value
        if (from === channels.control) {
          const news = this.#obey(channel, data, life.signal)
          if (news !== undefined) yield { channel: from, data: controlToRenter.encode(news) }
          if (this.#isOver) channel.end().catch(() => undefined) // tells the miner that the outcome came
          continue
        }
        this.#received += data.length
        yield next.value
        if (this.#received - this.#told >= ACKNOWLEDGE_BYTES) await this.#tellReceived(channel)
      }
    } finally {
      watch.stop()
      life.abort()
      this.#input.wake() // ends the sending that waits for more
    }
  }

  /** Acts on the miner's word; returns what the caller shall see of it. */
  #obey(channel: FrameChannel, data: Uint8Array, life: AbortSignal): ControlToRenter | undefined {
    const control = controlToRenter.decode(data)
    switch (control.kind) {
      case 'received':
        this.#input.acknowledge(control.received)
        return undefined
      case 'resumed':
        this.#resumed(channel, control.received, life)
        return undefined
      case 'started':
        this.#token = control.token
        this.#graceMs = control.graceMs ?? SHELL_GRACE_MS
        void this.#sendInput(channel, 0, life)
        return { kind: 'started' } // the token is nobody else's
      default:
        this.#isOver = true
        return control
    }
  }

  #resumed(channel: FrameChannel, taken: number, life: AbortSignal): void {
    this.#lostAtMs = undefined
    this.#input.acknowledge(taken)
    void this.#tell(channel, this.#size)
    void this.#sendInput(channel, taken, life)
    this.#parts.notices.onResumed()
  }

  /** Never rejects: that the connection broke, its reader finds. */
  async #sendInput(channel: FrameChannel, from: number, life: AbortSignal): Promise<void> {
    const send = (data: Uint8Array) => channel.send(channels.stdin, data)
    const sent = await this.#input.sendFrom(from, send, life).then(
      () => !life.aborted,
      () => false,
    )
    if (sent) await this.#tell(channel, { kind: 'eof' })
  }

  #tellReceived(channel: FrameChannel): Promise<void> {
    this.#told = this.#received
    return this.#tell(channel, { kind: 'received', received: this.#received })
  }

  /** Never rejects, as above. */
  async #tell(channel: FrameChannel, control: ControlToMiner): Promise<void> {
    await channel.send(channels.control, controlToMiner.encode(control)).catch(() => undefined)
  }

  /** Pings, and gives up a connection whose miner stays silent while it is being listened to. */
  #watch(channel: FrameChannel) {
    let waitsSinceMs: number | undefined
    const timer = setInterval(() => {
      if (waitsSinceMs !== undefined && performance.now() - waitsSinceMs > SILENT_MS) {
        channel.abort(new NodeError('PEER_LOST', 'the miner has fallen silent'))
        this.#parts.drop()
      } else void this.#tell(channel, { kind: 'ping', received: this.#received })
    }, SHELL_PING_MS)
    timer.unref()
    return {
      waits: (): void => {
        waitsSinceMs = performance.now()
      },
      heard: (): void => {
        waitsSinceMs = undefined
      },
      stop: () => clearInterval(timer),
    }
  }

  /** Comes back with a new connection, or throws what makes it hopeless. */
  async #reconnect(cause: unknown): Promise<void> {
    if (this.#lostAtMs === undefined) {
      this.#lostAtMs = performance.now()
      this.#parts.notices.onLost()
    }
    const token = this.#token!
    for (let tries = 0; performance.now() - this.#lostAtMs < this.#graceMs; tries++) {
      await sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)]!, this.#parts.signal)
      try {
        this.#channel = await this.#attempt({ kind: 'resume', token, received: this.#received })
        return
      } catch (error) {
        if (this.#parts.signal.aborted || isRefusal(error)) throw error
      }
    }
    throw new NodeError(
      'PEER_OUTCOME_UNKNOWN',
      `the connection to the miner broke and did not come back within ${this.#graceMs / 1000} s (${messageOf(cause)})`,
      { cause, next: 'the miner hangs up on the command; compute-node leases shows the lease' },
    )
  }

  async #attempt(request: SessionAsk): Promise<FrameChannel> {
    const { signal, open, drop } = this.#parts
    const life = new AbortController()
    const onAbort = (): void => life.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(() => {
      drop()
      life.abort(new NodeError('PEER_TIMEOUT', 'the miner did not answer'))
    }, ATTEMPT_MS)
    try {
      return await open(request, life.signal)
    } catch (error) {
      signal.removeEventListener('abort', onAbort)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

const isBroken = (error: unknown): boolean => codeOf(error) === 'PEER_LOST' && !isRefusal(error)
