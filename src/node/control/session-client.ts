import { Readable, Writable } from 'node:stream'
import type { WebSocket } from 'ws'
import { NodeError } from '../../errors.ts'
import { type ControlToMiner, channels } from '../../protocols/session.ts'
import { KiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { errorOf } from './problem.ts'

/** A message to the node has at most 1 MiB. */
const PIECE_BYTES = 256 * KiB
const HIGH_WATER_BYTES = 512 * KiB

/** A session over a WebSocket of the control API, as streams at the pace of whoever reads them. */
export interface SessionStreams {
  /** Ending it is end of input. */
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  /** The command's exit code, undefined for a port, once all output came; rejects with what broke the session. */
  readonly ended: Promise<number | undefined>
  tell(message: ControlToMiner): void
  /** Hangs up. */
  close(): void
}

/** Makes streams of a socket that `ControlClient.webSocket` opened. */
export function sessionStreams(socket: WebSocket): SessionStreams {
  const ended = Promise.withResolvers<number | undefined>()
  ended.promise.catch(() => undefined) // whoever waits for it is told
  let exitCode: number | undefined
  const full = new Set<Readable>()
  const output = (): Readable =>
    new Readable({
      highWaterMark: HIGH_WATER_BYTES,
      read() {
        full.delete(this)
        if (full.size === 0) socket.resume()
      },
      destroy(error, done) {
        full.delete(this)
        if (full.size === 0) socket.resume() // nobody reads it any more: it holds nothing back
        done(error)
      },
    })
  const stdout = output()
  const stderr = output()
  const finished = new Set<Readable>()
  const finish = (output: Readable): void => {
    if (!finished.has(output)) output.push(null)
    finished.add(output)
  }
  const fail = (error: NodeError): void => {
    ended.reject(error)
    for (const stream of [stdout, stderr]) stream.destroy(error)
  }
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined) // told by `ended` too
  const said = (message: Record<string, unknown>): void => {
    if (message['kind'] === 'eof') finish(stdout)
    if (message['kind'] === 'exit') exitCode = Number(message['exitCode'])
    const error = errorOf(message['kind'] === 'failed' ? message : message['error'])
    if (error !== undefined) fail(error)
  }
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (!isBinary) return said(JSON.parse(data.toString()) as Record<string, unknown>)
    const to = data[0] === channels.stderr ? stderr : stdout
    if (to.push(data.subarray(1)) || to.destroyed) return
    full.add(to)
    socket.pause()
  })
  socket.once('close', (code: number) => {
    if (code !== 1000) return fail(brokenOff())
    for (const stream of [stdout, stderr]) finish(stream)
    ended.resolve(exitCode)
  })
  socket.once('error', (cause) => fail(brokenOff(cause)))
  socket.resume()
  return {
    stdin: inputOf(socket),
    stdout,
    stderr,
    ended: ended.promise,
    tell: (message) => socket.send(toJson(message), () => undefined), // a socket that is gone says so by its close
    close: () => socket.close(),
  }
}

/**
 * What comes for a session that is over is dropped: its end is told elsewhere. Only while HIGH_WATER_BYTES are on their
 * way is more waited with.
 */
const inputOf = (socket: WebSocket): Writable =>
  new Writable({
    highWaterMark: HIGH_WATER_BYTES,
    write(chunk: Buffer, _, done) {
      let sent: (() => void) | undefined
      for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
        const piece = chunk.subarray(at, at + PIECE_BYTES)
        const isLast = at + PIECE_BYTES >= chunk.length
        const message = Buffer.concat([Uint8Array.of(channels.stdin), piece])
        socket.send(message, () => {
          if (isLast) sent?.()
        })
      }
      if (chunk.length > 0 && socket.bufferedAmount > HIGH_WATER_BYTES) sent = done
      else done()
    },
    final(done) {
      socket.send(toJson({ kind: 'eof' }), () => done())
    },
  })

const brokenOff = (cause?: unknown): NodeError =>
  new NodeError('PEER_OUTCOME_UNKNOWN', 'outcome unknown: the node stopped while it ran', {
    cause,
    next: 'compute-node leases shows what becomes of the lease',
  })
