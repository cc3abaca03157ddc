import { randomBytes } from 'node:crypto'
import type { Exec } from '../../../containers/engine.ts'
import { codeOf, NodeError } from '../../../errors.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import { NumberedBytes } from '../../../protocols/numbered-bytes.ts'
import {
  type ControlToRenter,
  channels,
  controlToMiner,
  controlToRenter,
} from '../../../protocols/session.ts'
import {
  ACKNOWLEDGE_BYTES,
  SHELL_OUTPUT_BYTES,
  SHELL_SILENCE_MS,
} from '../../../protocols/session-shell.ts'
import { outcomeOf } from './command-outcome.ts'
import { feed, obey } from './feed-command.ts'
import { hangUp } from './hang-up.ts'
import { whenAborted } from './when-aborted.ts'

/** How one connection of a shell ended. */
export type ShellEnd =
  /** The renter has the exit code. */
  | 'done'
  /** The renter said that it leaves. */
  | 'left'
  /** The connection broke, or the renter fell silent: it may come back. */
  | 'lost'
  /** Another connection of the same renter took its place. */
  | 'replaced'

interface ShellConnection {
  /** Made from the bytes of input that have come. */
  readonly greeting: (taken: number) => ControlToRenter
  readonly received: number
  readonly closing: AbortSignal
  readonly left: AbortSignal
}

/**
 * A command with a terminal that outlives its renter's connection: what it prints is numbered and kept until the renter
 * has it, and so is how much of the input came. It is held back while SHELL_OUTPUT_BYTES wait.
 */
export class KeptShell {
  readonly token = randomBytes(16)
  /** The PeerId of who opened it: nobody else may resume it. */
  readonly peerId: string
  readonly leaseId: Uint8Array
  readonly #exec: Exec
  readonly #output = new NumberedBytes(SHELL_OUTPUT_BYTES)
  readonly #outcome: Promise<Uint8Array>
  /** Bytes of input taken. */
  #taken = 0
  #told = 0
  #connection: AbortController | undefined

  constructor(exec: Exec, { peerId, leaseId }: Pick<KeptShell, 'peerId' | 'leaseId'>) {
    this.#exec = exec
    this.peerId = peerId
    this.leaseId = leaseId
    this.#outcome = outcomeOf(exec)
    exec.stdin.on('error', () => undefined) // the command closed its input or ended: its exit code says so
    exec.stdout.on('data', (data: Buffer) => this.#take(data))
    for (const last of ['end', 'close']) exec.stdout.once(last, () => this.#output.end())
    exec.stderr.resume() // a terminal has none
  }

  /**
   * Sends and takes over one connection until that ends, in place of the one before. `greeting` is the first message;
   * `received`: output that the renter has already.
   * @throws the reason of `closing`; BAD_MESSAGE when the renter breaks the rules
   */
  async serve(
    channel: FrameChannel,
    { greeting, received, closing, left }: ShellConnection,
  ): Promise<ShellEnd> {
    this.#connection?.abort()
    const connection = new AbortController()
    this.#connection = connection
    using closed = whenAborted(closing)
    using gone = whenAborted(left)
    using replaced = whenAborted(connection.signal)
    const watch = createWatch(connection)
    try {
      const ends = [closed.aborted, gone.aborted, replaced.aborted]
      const exchanged = Promise.all([
        this.#send(channel, greeting(this.#taken), received, connection.signal),
        this.#receive(channel, connection.signal, watch.seen),
      ])
      await Promise.race([exchanged, ...ends])
      return 'done'
    } catch (error) {
      if (closing.aborted) throw closing.reason
      if (codeOf(error) === 'BAD_MESSAGE') throw error
      return this.#endOf(error, connection, watch.silent)
    } finally {
      watch.stop()
      connection.abort()
      this.#output.wake() // ends the sending that waits for more
    }
  }

  #endOf(error: unknown, connection: AbortController, isSilent: boolean): ShellEnd {
    if (this.#connection !== connection) return 'replaced'
    const broke = isSilent || !(error instanceof NodeError) || error.code === 'PEER_LOST'
    return broke ? 'lost' : 'left'
  }

  #take(data: Buffer): void {
    const exec = this.#exec
    this.#output.put(data)
    if (!this.#output.isFull) return
    exec.stdout.pause()
    const goOn = (): void => {
      if (this.#output.isFull) void this.#output.changed().then(goOn)
      else exec.stdout.resume()
    }
    goOn()
  }

  async #send(
    channel: FrameChannel,
    greeting: ControlToRenter,
    received: number,
    signal: AbortSignal,
  ): Promise<void> {
    await channel.send(channels.control, controlToRenter.encode(greeting))
    this.#output.acknowledge(received)
    const send = (data: Uint8Array) => channel.send(channels.stdout, data)
    await this.#output.sendFrom(received, send, signal)
    if (!signal.aborted) await channel.send(channels.control, await this.#outcome)
  }

  /** Resolves when the renter ends its direction: it has the exit code then. */
  async #receive(channel: FrameChannel, signal: AbortSignal, seen: () => void): Promise<void> {
    for await (const { channel: to, data } of channel.frames()) {
      if (signal.aborted) return // what comes belongs to the connection that took over
      seen()
      if (to === channels.stdin) {
        this.#taken += data.length
        await feed(this.#exec, data)
        if (this.#taken - this.#told >= ACKNOWLEDGE_BYTES) await this.#tellTaken(channel)
      } else if (to === channels.control) await this.#obey(channel, data)
      else throw new NodeError('BAD_MESSAGE', `channel ${to} is not for input`)
    }
  }

  async #obey(channel: FrameChannel, data: Uint8Array): Promise<void> {
    const control = controlToMiner.decode(data)
    if (control.kind === 'received' || control.kind === 'ping') {
      this.#output.acknowledge(control.received)
      if (control.kind === 'ping') await this.#tellTaken(channel)
    } else await obey(this.#exec, control)
  }

  #tellTaken(channel: FrameChannel): Promise<void> {
    this.#told = this.#taken
    return channel.send(
      channels.control,
      controlToRenter.encode({ kind: 'received', received: this.#taken }),
    )
  }

  /** Hangs up on the command; what it prints from here on is dropped. */
  async hangUp(): Promise<void> {
    this.#connection?.abort()
    this.#exec.stdout.removeAllListeners('data')
    await hangUp(this.#exec)
  }
}

/** Aborts a connection that says nothing for too long; looked at now and then, so that a frame costs no timer. */
function createWatch(connection: AbortController) {
  let heard = true
  let silent = false
  const timer = setInterval(() => {
    if (!heard) {
      silent = true
      connection.abort(new NodeError('PEER_LOST', 'the renter has fallen silent'))
    }
    heard = false
  }, SHELL_SILENCE_MS)
  timer.unref()
  return {
    seen: (): void => {
      heard = true
    },
    get silent() {
      return silent
    },
    stop: () => clearInterval(timer),
  }
}
