/**
 * How bytes lie on every stream of this program: `u32 length ‖ u8 tag ‖ body`, big-endian, length counts the body.
 * Tags below 240 are the channels of a byte tunnel; a body under the other tags starts with a u32 request id.
 */
import type { Duplex } from 'node:stream'
import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'

export const tags = {
  /** Asker: a request. */
  request: 240,
  /** Answerer: the whole answer. */
  result: 241,
  /** Answerer: a tunnel is open. */
  accepted: 242,
  /** Either: code, message and next step; id 0 speaks of the whole stream, which then ends. */
  refused: 243,
  /** Answerer: one item of a streamed answer. */
  item: 244,
  /** Sender: nothing follows; in a tunnel the body is the CRC-32 of all frames before it. */
  end: 245,
  /** Asker: the answer is no longer awaited. */
  cancel: 246,
} as const

/** Channels of a tunnel are 0 up to this, exclusive. */
export const CHANNELS = 240
export const HEAD_BYTES = 5
export const ID_BYTES = 4

export interface Frame {
  readonly tag: number
  readonly body: Uint8Array
  /** The whole body's length as its head says; undefined for a further piece of the frame before. */
  readonly length: number | undefined
}

/** A frame head: 5 bytes. */
export function frameHead(tag: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32BE(length, 0)
  head[4] = tag
  return head
}

/** A frame whose body starts with a request id. */
export function messageFrame(tag: number, id: number, body: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + ID_BYTES + body.length)
  frame.writeUInt32BE(ID_BYTES + body.length, 0)
  frame[4] = tag
  frame.writeUInt32BE(id, HEAD_BYTES)
  frame.set(body, HEAD_BYTES + ID_BYTES)
  return frame
}

/** A frame's request id and the rest of its body; throws BAD_MESSAGE when it is too short. */
export function readMessage({ tag, body, length }: Frame): MessageFrame {
  if (body.length < ID_BYTES) throw new NodeError('BAD_MESSAGE', 'a message has no request id')
  return { tag, id: readU32(body, 0), body: body.subarray(ID_BYTES), length }
}

export interface MessageFrame extends Frame {
  readonly id: number
}

const readU32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0

/** What is allocated at once for a claimed length; more only as bytes come. */
const TRUSTED_BYTES = 128 * KiB

/**
 * Cuts a byte stream into frames. Memory grows with the bytes that came, not with the length that was claimed, and a
 * claim above `maxBodyBytes` throws BAD_MESSAGE at once. Bodies are views of what came: copy what must not keep more.
 * A channel's frame above `wholeBytes` is not put together but handed out in pieces as they come, uncopied.
 */
export function createFrameParser(
  maxBodyBytes: number,
  wholeBytes = Number.POSITIVE_INFINITY,
): (chunk: Uint8Array) => Frame[] {
  const held = new HeldBytes()
  let needed = HEAD_BYTES
  let tag = 0
  /** What is still to come of a frame that is handed out in pieces. */
  let left = 0
  const continued = (chunk: Uint8Array, frames: Frame[]): Uint8Array => {
    const body = chunk.subarray(0, left)
    if (body.length > 0) frames.push({ tag, body, length: undefined })
    left -= body.length
    return chunk.subarray(body.length)
  }
  return (chunk) => {
    const frames: Frame[] = []
    const bytes = held.add(continued(chunk, frames), needed)
    if (bytes.length < needed) return frames
    let at = 0
    needed = HEAD_BYTES
    while (bytes.length - at >= HEAD_BYTES) {
      const length = readU32(bytes, at)
      if (length > maxBodyBytes) {
        throw new NodeError('BAD_MESSAGE', `a frame of ${length} bytes, at most ${maxBodyBytes}`)
      }
      const end = at + HEAD_BYTES + length
      tag = bytes[at + 4]!
      const split = length > wholeBytes && tag < CHANNELS
      if (end > bytes.length && !split) {
        needed = HEAD_BYTES + length
        break
      }
      const body = bytes.subarray(at + HEAD_BYTES, end)
      frames.push({ tag, body, length })
      left = length - body.length
      at = Math.min(end, bytes.length)
    }
    held.keep(bytes.subarray(at))
    return frames
  }
}

/** The bytes of an unfinished frame: copied once into a buffer of the frame's size, however small the chunks. */
class HeldBytes {
  #bytes: Uint8Array = new Uint8Array()
  /** Where `#bytes` lies when it is our own and may grow in place. */
  #buffer: Buffer | undefined

  /** What is held, followed by `chunk`; `expected` is how long it will become. */
  add(chunk: Uint8Array, expected: number): Uint8Array {
    const length = this.#bytes.length + chunk.length
    if (this.#bytes.length === 0) this.#bytes = chunk
    else {
      if (this.#buffer === undefined || length > this.#buffer.length) this.#grow(length, expected)
      this.#buffer!.set(chunk, this.#bytes.length)
      this.#bytes = this.#buffer!.subarray(0, length)
    }
    return this.#bytes
  }

  #grow(length: number, expected: number): void {
    const size = Math.max(length, Math.min(expected, Math.max(TRUSTED_BYTES, 2 * length)))
    this.#buffer = Buffer.allocUnsafe(size)
    this.#buffer.set(this.#bytes)
  }

  /** Holds `rest` from now on; the frames before it are views, so its buffer is not written to again. */
  keep(rest: Uint8Array): void {
    this.#bytes = rest
    this.#buffer = undefined
  }
}

/** Writes frames to a Duplex; all frames of one tick leave in one write. */
export function createFrameWriter(duplex: Duplex): FrameWriter {
  let corked = false
  let draining: Promise<void> | undefined
  const uncork = (): void => {
    corked = false
    duplex.uncork()
  }
  return {
    write(frame, taken) {
      if (!duplex.writable) return
      if (!corked) {
        corked = true
        duplex.cork()
        process.nextTick(uncork)
      }
      duplex.write(frame, taken)
    },
    drained() {
      if (!duplex.writableNeedDrain || duplex.destroyed) return undefined
      draining ??= drain(duplex).finally(() => {
        draining = undefined
      })
      return draining
    },
  }
}

export interface FrameWriter {
  /**
   * Queues a frame; on a stream that is gone it does nothing, for its reader learns that anyway. `taken` is called when
   * the stream has done with it.
   */
  write(frame: Uint8Array, taken?: () => void): void
  /** A promise while the peer must first take what is queued, undefined while it keeps up. */
  drained(): Promise<void> | undefined
}

/** Until `duplex` takes more, or is gone. */
const drain = (duplex: Duplex): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      duplex.off('drain', done)
      duplex.off('close', done)
      resolve()
    }
    duplex.on('drain', done)
    duplex.on('close', done)
  })
