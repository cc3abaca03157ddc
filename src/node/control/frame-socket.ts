import type { WebSocket } from 'ws'
import { NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { MiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { errorOf } from './problem.ts'

/** What may wait in this process, in either direction. */
const AHEAD_BYTES = 2 * MiB

interface Frame {
  readonly channel: number
  readonly data: Uint8Array
}

/**
 * A session's frames over a socket of the control API that hands them on untouched (`routes/files.ts`). `frames` throws
 * what the node threw, or FAILED_NODE_STOPPED.
 */
export function frameSocket(socket: WebSocket): FrameChannel {
  const waiting: Frame[] = []
  let waitingBytes = 0
  let outcome: 'ended' | Error | undefined
  let wake: () => void = () => undefined
  const finish = (how: 'ended' | Error): void => {
    outcome ??= how
    wake()
  }
  socket.on('message', (message: Buffer, isBinary: boolean) => {
    if (!isBinary) {
      const error = errorOf((JSON.parse(message.toString()) as Record<string, unknown>)['error'])
      if (error !== undefined) finish(error)
      return
    }
    waiting.push({ channel: message[0] ?? 255, data: message.subarray(1) })
    waitingBytes += message.length
    if (waitingBytes >= AHEAD_BYTES) socket.pause()
    wake()
  })
  socket.once('close', (code: number) => finish(code === 1000 ? 'ended' : stopped()))
  socket.once('error', (cause) => finish(stopped(cause)))
  socket.resume()
  return {
    send(channel, data) {
      if (outcome instanceof Error) return Promise.reject(outcome)
      const message = Buffer.concat([Uint8Array.of(channel), data])
      return new Promise((resolve) => {
        // That it did not arrive, the frames that come tell.
        const isAhead = socket.bufferedAmount < AHEAD_BYTES
        socket.send(message, () => resolve())
        if (isAhead) resolve()
      })
    },
    async *frames() {
      for (;;) {
        const frame = waiting.shift()
        if (frame !== undefined) {
          waitingBytes -= frame.data.length + 1
          if (waitingBytes < AHEAD_BYTES) socket.resume()
          yield frame
        } else if (outcome === 'ended') return
        else if (outcome !== undefined) throw outcome
        else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    },
    async end() {
      socket.send(toJson({ kind: 'end' }), () => undefined) // as above
    },
    abort() {
      socket.terminate()
    },
  }
}

const stopped = (cause?: unknown): NodeError =>
  new NodeError('FAILED_NODE_STOPPED', 'the node stopped in the middle', {
    cause,
    next: 'copy again once it runs: what came is not sent again',
  })
