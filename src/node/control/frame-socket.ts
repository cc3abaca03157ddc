import type { Duplex } from 'node:stream'
import { codeOf, NodeError } from '../../errors.ts'
import { createFrameReader } from '../../protocols/frame-reader.ts'
import {
  type FrameChannel,
  MAX_FRAME_BYTES,
  OWN_SUM_CHANNEL,
  WHOLE_BYTES,
} from '../../protocols/frames.ts'
import { CHANNELS, createFrameWriter, type Frame, frameHead, tags } from '../../protocols/wire.ts'
import { KiB, secondsMs } from '../../units.ts'
import { toJson } from '../output.ts'
import { errorOf, problemOf } from './problem.ts'

/** What a connection to the control API that carries frames is upgraded to. */
export const FRAMES_PROTOCOL = 'compute-node-frames/1'

/** What may wait in this process to be written: enough that reading what follows overlaps with it. */
const AHEAD_BYTES = 512 * KiB

/** How long the other end may take to read why. */
const LINGER_MS = secondsMs(5)
/** Contents that come one by one leave in frames of about this. */
const TOGETHER_BYTES = 256 * KiB

/**
 * Either end of a connection between a node and its command that carries frames as they lie on streams (docs/wire.md),
 * without checksums: it does not leave this machine. Contents (from OWN_SUM_CHANNEL on) may be framed anew, for they come
 * in the pieces of an encrypted connection, and each frame costs a turn at its reader. `frames` throws what the other end aborted with, or
 * FAILED_NODE_STOPPED.
 */
export function frameSocket(duplex: Duplex): FrameChannel {
  duplex.on('error', () => undefined) // its reader reports it
  const reader = createFrameReader(duplex, MAX_FRAME_BYTES, WHOLE_BYTES)
  const writer = createFrameWriter(duplex)
  let together: { readonly data: Uint8Array; readonly taken: (() => void) | undefined }[] = []
  let togetherBytes = 0
  let togetherOn = 0
  let timer: NodeJS.Immediate | undefined
  const flush = (): void => {
    clearImmediate(timer)
    timer = undefined
    if (together.length === 0) return
    writer.write(frameHead(togetherOn, togetherBytes))
    for (const { data, taken } of together) writer.write(data, taken)
    together = []
    togetherBytes = 0
  }
  const write = (tag: number, data: Uint8Array, taken?: () => void): void => {
    flush()
    writer.write(frameHead(tag, data.length))
    if (data.length > 0) writer.write(data, taken)
  }
  const join = (channel: number, data: Uint8Array, taken?: () => void): void => {
    if (channel !== togetherOn || togetherBytes + data.length > MAX_FRAME_BYTES) flush()
    togetherOn = channel
    together.push({ data, taken })
    togetherBytes += data.length
    if (togetherBytes >= TOGETHER_BYTES) flush()
    else timer ??= setImmediate(flush)
  }
  duplex.once('close', () => clearImmediate(timer))
  return {
    async send(channel, data, taken) {
      if (channel < OWN_SUM_CHANNEL) write(channel, data, taken)
      else if (data.length > 0) join(channel, data, taken)
      if (duplex.writableLength > AHEAD_BYTES) await writer.drained()
      if (duplex.destroyed) throw stopped(duplex.errored)
    },
    async *frames() {
      for (;;) {
        const frame = await reader.next().catch((cause: unknown) => {
          throw codeOf(cause) === 'PEER_LOST' ? stopped(cause) : cause
        })
        if (frame === undefined) throw stopped()
        if (frame.tag === tags.end) {
          duplex.resume() // reads the connection's own end, which closes it
          return
        }
        if (frame.tag >= CHANNELS) throw told(frame)
        if (frame.body.length === 0 && frame.length !== 0) continue // a head whose pieces follow
        yield { channel: frame.tag, data: frame.body }
      }
    },
    async end() {
      write(tags.end, new Uint8Array())
      duplex.end()
    },
    abort(error) {
      write(tags.refused, Buffer.from(toJson(problemOf(error).body)))
      const linger = setTimeout(() => duplex.destroy(), LINGER_MS)
      linger.unref()
      duplex.once('close', () => clearTimeout(linger))
      duplex.end(() => duplex.destroy())
      reader.fail(error)
    },
  }
}

const told = ({ tag, body }: Frame): NodeError =>
  (tag === tags.refused ? errorOf(JSON.parse(Buffer.from(body).toString())) : undefined) ??
  new NodeError('BAD_MESSAGE', `frame tag ${tag} has no place here`)

const stopped = (cause?: unknown): NodeError =>
  new NodeError('FAILED_NODE_STOPPED', 'the node stopped in the middle', {
    cause,
    next: 'copy again once it runs: what came is not sent again',
  })
