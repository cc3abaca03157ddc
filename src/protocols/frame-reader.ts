import type { Duplex } from 'node:stream'
import { messageOf, NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import { createFrameParser, type Frame } from './wire.ts'

/**
 * What is read ahead of who asks. A pause and a resume for every chunk cost more than all else that is done with it, and
 * what comes at once shall leave at once.
 */
const AHEAD_BYTES = 128 * KiB
/** What a frame costs beside its bytes: a chunk of empty ones is as much as may wait. */
const FRAME_BYTES = 256

/** Frames of a Duplex, one at a time; nothing is read ahead beyond AHEAD_BYTES and one chunk. */
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
 * Reads frames with bodies up to `maxBodyBytes`; the Duplex is paused until somebody asks, and while nobody does for
 * long. A channel's frame above `wholeBytes` comes in pieces.
 */
export function createFrameReader(
  duplex: Duplex,
  maxBodyBytes: number,
  wholeBytes?: number,
): FrameReader {
  const parse = createFrameParser(maxBodyBytes, wholeBytes)
  let queue: Frame[] = []
  let at = 0
  /** What came since the queue was empty. */
  let aheadBytes = 0
  let ended = false
  let failure: Error | undefined
  let waiter: Waiter | undefined

  const take = (): Frame => {
    const frame = queue[at++]!
    if (at === queue.length) forget()
    return frame
  }
  const forget = (): void => {
    queue = []
    at = 0
    aheadBytes = 0
  }
  const settle = (): void => {
    if (waiter === undefined) return
    const { resolve, reject } = waiter
    if (at < queue.length) resolve(take())
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
      for (const frame of parse(chunk)) {
        queue.push(frame)
        aheadBytes += FRAME_BYTES + frame.body.length
      }
    } catch (error) {
      return fail(error as Error)
    }
    if (at === queue.length) return
    if (aheadBytes >= AHEAD_BYTES) duplex.pause()
    settle()
  })
  duplex.on('end', () => {
    ended = true
    settle()
  })
  duplex.on('error', (error) => fail(lost(error)))
  duplex.on('close', () => {
    if (!ended) fail(lost(new Error('the stream closed')))
  })
  duplex.pause()

  return {
    next() {
      if (at < queue.length) return Promise.resolve(take())
      return new Promise((resolve, reject) => {
        waiter = { resolve, reject }
        settle()
        if (waiter !== undefined) duplex.resume()
      })
    },
    fail(error) {
      forget()
      fail(error)
    },
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
