import type { Duplex } from 'node:stream'
import { messageOf, NodeError } from '../errors.ts'
import { createFrameParser, type Frame } from './wire.ts'

/** Frames of a Duplex, one at a time; nothing is read ahead beyond one chunk. */
export interface FrameReader {
  /**
   * The next frame, or undefined after the peer's clean end. Bodies are views of the chunk they came in.
   * @throws BAD_MESSAGE for a frame beyond the limit, PEER_LOST when the stream broke, or what `fail` was given
   */
  next(): Promise<Frame | undefined>
  /** Ends reading with an error: a `next` that waits, and every later one, rejects with it. */
  fail(error: Error): void
}

interface Waiter {
  resolve(frame: Frame | undefined): void
  reject(error: Error): void
}

/**
 * Reads frames with bodies up to `maxBodyBytes`; the Duplex is paused while nobody asks. A channel's frame above
 * `wholeBytes` comes in pieces.
 */
export function createFrameReader(
  duplex: Duplex,
  maxBodyBytes: number,
  wholeBytes?: number,
): FrameReader {
  const parse = createFrameParser(maxBodyBytes, wholeBytes)
  let queue: Frame[] = []
  let at = 0
  let ended = false
  let failure: Error | undefined
  let waiter: Waiter | undefined

  const settle = (): void => {
    if (waiter === undefined) return
    const { resolve, reject } = waiter
    if (at < queue.length) resolve(queue[at++])
    else if (failure !== undefined) reject(failure)
    else if (ended) resolve(undefined)
    else return
    waiter = undefined
  }
  const fail = (error: Error): void => {
    failure ??= error
    settle()
  }
  duplex.on('data', (chunk: Uint8Array) => {
    if (failure !== undefined) return
    try {
      const frames = parse(chunk)
      if (frames.length === 0) return
      queue = at < queue.length ? [...queue.slice(at), ...frames] : frames
      at = 0
    } catch (error) {
      return fail(error as Error)
    }
    duplex.pause()
    settle()
  })
  duplex.on('end', () => {
    ended = true
    settle()
  })
  duplex.on('error', (error) => fail(lost(error)))
  duplex.on('close', () => fail(lost(new Error('the stream closed'))))
  duplex.pause()

  return {
    next() {
      if (at < queue.length) return Promise.resolve(queue[at++])
      return new Promise((resolve, reject) => {
        waiter = { resolve, reject }
        settle()
        if (waiter !== undefined) duplex.resume()
      })
    },
    fail,
  }
}

/** What a broken stream is to the one who reads it. */
export const lost = (cause: Error): NodeError =>
  cause instanceof NodeError
    ? cause
    : new NodeError('PEER_LOST', `the peer was lost: ${messageOf(cause)}`, {
        cause,
        next: 'try again; the peer may have stopped or its connection broke',
      })
