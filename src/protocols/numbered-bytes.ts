import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'

const LEAST_BYTES = 4 * KiB
/** A ring above this is given back once it is empty. */
const SPARE_BYTES = 64 * KiB
/** What is handed out at once. */
const PIECE_BYTES = 64 * KiB

/**
 * A stream of bytes of which each has a number, kept until the other end says that it has them: what a broken
 * connection took along is sent again, and nothing twice. The numbers begin at 0.
 */
export class NumberedBytes {
  readonly #spoolBytes: number
  #ring = Buffer.allocUnsafe(LEAST_BYTES)
  #startsAt = 0
  #endsAt = 0
  #ended = false
  #waiting: (() => void)[] = []

  /** `spoolBytes`: how much may wait before `isFull`. */
  constructor(spoolBytes: number) {
    this.#spoolBytes = spoolBytes
  }

  /** The number that the next byte gets. */
  get endsAt(): number {
    return this.#endsAt
  }

  /** True while as much waits for the other end as may; who adds bytes rests until `changed`. */
  get isFull(): boolean {
    return this.#endsAt - this.#startsAt >= this.#spoolBytes
  }

  /** Appends a copy. The last one before `isFull` may exceed the limit. */
  put(data: Uint8Array): void {
    this.#reserve(data.length)
    writeAt(this.#ring, this.#endsAt, data)
    this.#endsAt += data.length
    this.wake()
  }

  /** Says that no byte follows. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** The other end has every byte below `offset`: they are forgotten. BAD_MESSAGE when it cannot have them. */
  acknowledge(offset: number): void {
    if (offset > this.#endsAt) {
      throw new NodeError('BAD_MESSAGE', `byte ${offset} was acknowledged and never sent`)
    }
    if (offset <= this.#startsAt) return
    this.#startsAt = offset
    if (offset === this.#endsAt && this.#ring.length > SPARE_BYTES) {
      this.#ring = Buffer.allocUnsafe(LEAST_BYTES)
    }
    this.wake()
  }

  /**
   * Sends what there is from `offset` on, and what comes, until `end` or until `signal` aborts. What it hands to `send`
   * is a view, unchanged until acknowledged.
   * @throws what `send` throws; BAD_MESSAGE for bytes that are no longer here, or not yet
   */
  async sendFrom(
    offset: number,
    send: (data: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    if (offset < this.#startsAt || offset > this.#endsAt) {
      throw new NodeError('BAD_MESSAGE', `cannot go on from byte ${offset}`)
    }
    for (let at = offset; !signal.aborted; ) {
      const piece = this.#piece(at)
      at += piece.length
      if (piece.length > 0) await send(piece)
      else if (this.#ended) return
      else await this.changed()
    }
  }

  /** Resolves at the next change, or `wake`. */
  changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  /** Lets everyone who waits look anew, e.g. at a signal. */
  wake(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #piece(offset: number): Uint8Array {
    const at = offset % this.#ring.length
    const length = Math.min(this.#endsAt - offset, this.#ring.length - at, PIECE_BYTES)
    return this.#ring.subarray(at, at + length)
  }

  #reserve(bytes: number): void {
    const held = this.#endsAt - this.#startsAt
    if (held + bytes <= this.#ring.length) return
    const larger = Buffer.allocUnsafe(2 ** Math.ceil(Math.log2(held + bytes)))
    for (let offset = this.#startsAt; offset < this.#endsAt; ) {
      const piece = this.#piece(offset)
      writeAt(larger, offset, piece)
      offset += piece.length
    }
    this.#ring = larger
  }
}

function writeAt(ring: Buffer, offset: number, data: Uint8Array): void {
  const at = offset % ring.length
  const first = Math.min(data.length, ring.length - at)
  ring.set(data.subarray(0, first), at)
  ring.set(data.subarray(first), 0)
}
