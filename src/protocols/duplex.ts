import { Duplex } from 'node:stream'
import type { Stream } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'
import { Uint8ArrayList } from 'uint8arraylist'
import { KiB, MiB, secondsMs } from '../units.ts'
import { spareWindowUpdates } from './window-updates.ts'

const WINDOW_BYTES = 4 * MiB
const HIGH_WATER_BYTES = 256 * KiB

/**
 * The muxer every node uses. `pause()` aborts a stream whose window outgrew its read buffer (4 MiB by default against a
 * window of 16 MiB), so both are bound together here.
 */
export const boundedYamux = ({
  windowBytes = WINDOW_BYTES,
  keepAliveMs = secondsMs(30),
}: {
  readonly windowBytes?: number
  readonly keepAliveMs?: number
} = {}): ReturnType<typeof yamux> =>
  yamux({
    enableKeepAlive: true,
    keepAliveInterval: keepAliveMs,
    streamOptions: {
      maxStreamWindowSize: windowBytes,
      maxReadBufferLength: windowBytes + 64 * KiB,
    },
  })

/**
 * A libp2p stream as a node Duplex with real backpressure both ways: a reader that stops reading stops the writer on
 * the other machine. Only a muxer FIN ends the readable side; a broken connection or a relay's limit destroys it with
 * an error. Attach it in the same tick as the stream was handed over, and listen for 'error'.
 */
export function toDuplex(stream: Stream, highWaterBytes = HIGH_WATER_BYTES): Duplex {
  spareWindowUpdates(stream)
  const flow = createFlow(stream)
  const duplex = new Duplex({
    readableHighWaterMark: highWaterBytes,
    writableHighWaterMark: highWaterBytes,
    read() {
      flow.resume()
    },
    writev(chunks, done) {
      try {
        if (sendAll(stream, chunks)) done()
        else drained(stream).then(() => done(), done)
      } catch (error) {
        done(error as Error)
      }
    },
    final(done) {
      stream.close().then(() => done(), done)
    },
    destroy(error, done) {
      if (isLive(stream)) stream.abort(error ?? new Error('destroyed'))
      done(error)
    },
  })
  followReadable(stream, duplex, flow)
  return duplex
}

/**
 * `stream.resume()` first hands out what it kept and then reopens the muxer's window: a pause in between would be
 * undone, and the peer would send on into a paused stream until that is aborted. So it is kept until resume is through.
 */
function createFlow(stream: Stream) {
  let resuming = false
  let wanted = false
  const pause = (): void => {
    if (resuming) wanted = true
    else if (stream.readStatus === 'readable') stream.pause()
  }
  return {
    pause,
    resume(): void {
      if (resuming) wanted = false
      if (stream.readStatus !== 'paused') return
      resuming = true
      try {
        stream.resume()
      } finally {
        resuming = false
      }
      if (wanted) pause()
      wanted = false
    },
  }
}

const isLive = (stream: Stream): boolean =>
  (stream.status === 'open' || stream.status === 'closing') &&
  !(stream.readStatus === 'closed' && stream.writeStatus === 'closed')

/** What was written in one tick travels as one muxer frame, for the receiver confirms each. */
const sendAll = (stream: Stream, chunks: readonly { readonly chunk: Uint8Array }[]): boolean =>
  stream.send(new Uint8ArrayList(...chunks.map(({ chunk }) => chunk)))

/**
 * Until *this stream's* queue is empty. `stream.onDrain()` keeps its first promise for ever, and 'drain' is told to
 * every stream of a connection whenever the connection takes 64 KiB more, so neither bounds what a stopped peer costs.
 */
function drained(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => (): void => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('idle', onIdle)
      stream.removeEventListener('close', onClose)
      outcome()
    }
    const onIdle = settle(resolve)
    const onClose = settle(() => reject(new Error('stream closed')))
    const onDrain = (): void => {
      if (stream.writeBufferLength === 0) onIdle()
    }
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('idle', onIdle)
    stream.addEventListener('close', onClose)
  })
}

/**
 * 'end' and 'close' also come, without an error, when the connection breaks: only 'remoteCloseWrite' is a real end. And
 * a peer that answers and ends at once may have 'ended' while protocol selection still holds its bytes, which come
 * afterwards: the end is what has nothing left to read.
 */
function followReadable(stream: Stream, duplex: Duplex, flow: { pause(): void }): void {
  let finished = stream.status === 'open' && stream.remoteWriteStatus === 'closed'
  let ended = false
  const end = (): void => {
    if (ended || !finished || stream.readBufferLength > 0) return
    ended = true
    duplex.push(null)
  }
  stream.addEventListener('remoteCloseWrite', () => {
    finished = true
  })
  stream.addEventListener('message', ({ data }) => {
    let more = true
    for (const part of data instanceof Uint8Array ? [data] : data) more = duplex.push(part)
    if (stream.readableEnded) end()
    else if (!more) flow.pause()
  })
  stream.addEventListener('end', end)
  stream.addEventListener('close', ({ error }) => {
    if (error !== undefined) duplex.destroy(error)
    else if (finished) end()
    else
      duplex.destroy(new Error('truncated: the connection closed before the peer ended the stream'))
  })
  if (stream.readableEnded) end()
}
