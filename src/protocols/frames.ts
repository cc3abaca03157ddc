import { type Duplex, finished } from 'node:stream'
import { crc32 } from 'node:zlib'
import { NodeError } from '../errors.ts'
import { KiB, MiB } from '../units.ts'
import { createFrameReader, type FrameReader, lost } from './frame-reader.ts'
import { refusalError, refusalFrame } from './refusal.ts'
import { CHANNELS, createFrameWriter, type Frame, frameHead, readMessage, tags } from './wire.ts'

/** The largest payload of one frame. */
export const MAX_FRAME_BYTES = MiB
/** Up to this a payload arrives as it was sent; a larger one may arrive in pieces. */
export const WHOLE_BYTES = 16 * KiB
/**
 * Channels from here on carry what has a checksum of its own: the stream's covers only their heads. Nothing is gained
 * by summing twice.
 */
export const OWN_SUM_CHANNEL = 200
/** A CRC-32, big-endian. */
const SUM_BYTES = 4
/** How long an aborted channel waits for the peer to read why. */
const LINGER_MS = 5000

/**
 * Bytes on numbered channels over one stream, each direction checked end to end: a relay's limit or a broken
 * connection is never taken for an end. The checksum finds what software loses or mixes up; that nobody on the way
 * changed a byte, the connection's authenticated encryption sees to. On channels from OWN_SUM_CHANNEL on, only how much
 * came is checked.
 */
export interface FrameChannel {
  /**
   * Sends up to 1 MiB on channel 0 to 239; resolves once the peer keeps up, rejects with PEER_LOST when it is gone. Where
   * it can be known that nobody reads `data` any more, `taken` is called then: its memory may be used again.
   */
  send(channel: number, data: Uint8Array, taken?: () => void): Promise<void>
  /**
   * What the peer sends, once, until its `end`. A slow reader slows the sender. Data are views: copy to keep. A payload
   * above 16 KiB may come in several pieces, one after the other.
   * @throws PEER_LOST when the stream stopped without the final frame, BAD_MESSAGE when the checksum differs, or the
   * peer's own error when it aborted
   */
  frames(): AsyncIterable<{ readonly channel: number; readonly data: Uint8Array }>
  /** Says that nothing follows, with a CRC-32 over what was sent; the other direction stays open. */
  end(): Promise<void>
  /** Gives up both directions; the peer's `frames` throws a NodeError's code, message and next step. */
  abort(error: Error): void
}

/** Reads a channel's frames, and a handshake's before it. */
export const createChannelReader = (duplex: Duplex): FrameReader =>
  createFrameReader(duplex, MAX_FRAME_BYTES, WHOLE_BYTES)

/** A channel over a Duplex; `reader` continues where a handshake on the same Duplex stopped reading. */
export function createFrameChannel(
  duplex: Duplex,
  peer: string,
  reader: FrameReader = createChannelReader(duplex),
): FrameChannel {
  let sent = 0
  const writer = createFrameWriter(duplex)
  let state: 'open' | 'ended' | Error = 'open'
  duplex.on('error', () => undefined) // its reader reports it

  return {
    async send(channel, data) {
      assertSendable(state, channel, data)
      const head = frameHead(channel, data.length)
      sent = crc32(head, sent)
      if (channel < OWN_SUM_CHANNEL) sent = crc32(data, sent)
      writer.write(head)
      writer.write(data)
      await writer.drained()
      assertAlive(duplex)
    },
    frames: () => checked(reader, duplex, peer),
    async end() {
      if (state !== 'open') return
      state = 'ended'
      writer.write(frameHead(tags.end, SUM_BYTES))
      writer.write(sumOf(sent))
      duplex.end()
      await flushed(duplex)
    },
    abort(error) {
      if (state instanceof Error) return
      const told = state === 'open'
      state = error
      reader.fail(error)
      if (!told) return void duplex.destroy()
      writer.write(refusalFrame(0, error))
      linger(duplex)
    },
  }
}

function assertSendable(state: unknown, channel: number, data: Uint8Array): void {
  if (state instanceof Error) throw state
  if (state === 'ended') throw new NodeError('FAILED', 'this end of the tunnel has ended')
  if (!Number.isInteger(channel) || channel < 0 || channel >= CHANNELS) {
    throw new NodeError('FAILED', `a channel is 0 to ${CHANNELS - 1}, got ${channel}`)
  }
  if (data.length > MAX_FRAME_BYTES) {
    throw new NodeError('FAILED', `a frame of ${data.length} bytes, at most ${MAX_FRAME_BYTES}`)
  }
}

function assertAlive(duplex: Duplex): void {
  if (duplex.destroyed || duplex.errored !== null) {
    throw lost(duplex.errored ?? new Error('the stream closed'))
  }
}

async function* checked(reader: FrameReader, duplex: Duplex, peer: string) {
  let received = 0
  for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
    if (frame.tag < CHANNELS) {
      if (frame.length !== undefined) received = crc32(frameHead(frame.tag, frame.length), received)
      if (frame.tag < OWN_SUM_CHANNEL) received = crc32(frame.body, received)
      if (frame.body.length === 0 && frame.length !== 0) continue // a head whose pieces follow
      yield { channel: frame.tag, data: frame.body }
    } else if (frame.tag === tags.end) {
      if (!sumOf(received).equals(frame.body)) {
        throw new NodeError('BAD_MESSAGE', 'the checksum of what was received is wrong')
      }
      duplex.resume() // reads the stream's own end, which closes it
      return
    } else throw unexpected(frame, peer)
  }
  throw new NodeError('PEER_LOST', 'truncated: the stream stopped before its final frame', {
    next: 'try again; a relay on the way may have reached its limit',
  })
}

function sumOf(crc: number): Buffer {
  const sum = Buffer.allocUnsafe(SUM_BYTES)
  sum.writeUInt32BE(crc)
  return sum
}

const unexpected = (frame: Frame, peer: string): NodeError =>
  frame.tag === tags.refused
    ? refusalError(readMessage(frame).body, peer)
    : new NodeError('BAD_MESSAGE', `frame tag ${frame.tag} has no place here`)

/** Until everything written was taken over by the connection; rejects with PEER_LOST when it broke. */
const flushed = (duplex: Duplex): Promise<void> =>
  new Promise((resolve, reject) => {
    finished(duplex, { readable: false }, (error) => {
      if (error) reject(lost(error))
      else resolve()
    })
  })

/** Ends and lets the peer read the reason, discarding what still comes, then closes for good. */
function linger(duplex: Duplex): void {
  const timer = setTimeout(() => duplex.destroy(), LINGER_MS)
  timer.unref()
  duplex.once('close', () => clearTimeout(timer))
  duplex.end()
  duplex.resume()
}
