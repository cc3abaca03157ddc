import type { WebSocket } from 'ws'
import { outputWindow } from '../../api/sessions.ts'
import { codeOf, NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { codeOfPeer } from '../../protocols/refusal.ts'
import {
  type ControlToRenter,
  channels,
  controlToMiner,
  controlToRenter,
} from '../../protocols/session.ts'
import { KiB } from '../../units.ts'
import { toJson } from '../output.ts'
import { createOutputWindow, type OutputWindow } from './output-window.ts'

/** What may wait on its way through this process, in each direction. */
const WAITING_BYTES = 256 * KiB

/**
 * Both directions of a session at the pace of the slower side; the socket closes when the command has
 * ended and all of it was sent.
 * @throws what broke it, as `told` puts it for its user; the channel ends with it
 */
export async function bridge(
  socket: WebSocket,
  channel: FrameChannel,
  told = (error: unknown): unknown => error,
): Promise<void> {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  const window = createOutputWindow()
  socket.once('close', window.end)
  try {
    takeInput(socket, channel, window, reject)
    await Promise.race([sendOutput(socket, channel, window), failed])
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    throw told(error)
  }
  socket.close(1000)
}

/** A command's outcome comes behind all of its output: who is lost after it has cut nothing short. */
async function sendOutput(
  socket: WebSocket,
  channel: FrameChannel,
  window: OutputWindow,
): Promise<void> {
  const sender = createSender(socket)
  let isKnown = false
  try {
    for await (const { channel: from, data } of channel.frames()) {
      if (from === channels.control) {
        const control = controlOf(data)
        await sender.send(toJson(control))
        isKnown ||= control.kind === 'exit' || control.kind === 'failed'
      } else {
        await window.room(data.length)
        await sender.send(Buffer.concat([Uint8Array.of(from), data]))
      }
    }
    isKnown = true // the miner has ended its direction, and needs no end of this one
    await sender.sent()
    await channel.end()
  } catch (error) {
    if (!isKnown || codeOf(error) !== 'PEER_LOST') throw error
    await sender.sent()
  }
}

/** What the miner says of the command; a fault of its engine is not one of this machine. */
function controlOf(data: Uint8Array): ControlToRenter {
  const control = controlToRenter.decode(data)
  return control.kind === 'failed' ? { ...control, code: codeOfPeer(control.code) } : control
}

/** Resolves once the message left this process: a slow client slows the miner. */
export const send = (socket: WebSocket, message: string | Uint8Array): Promise<void> =>
  new Promise((resolve, reject) =>
    socket.send(message, (error) => (error == null ? resolve() : reject(error))),
  )

/**
 * Sends messages; the promise waits for this process to be rid of one only while WAITING_BYTES are in it: a slow client
 * slows the miner, and a fast one is not waited for at every message. Rejects once the socket is gone.
 */
function createSender(socket: WebSocket) {
  let failure: Error | undefined
  let last: Promise<void> = Promise.resolve()
  return {
    async send(message: string | Uint8Array): Promise<void> {
      if (failure !== undefined) throw failure
      last = send(socket, message)
      last.catch((error: Error) => {
        failure = error
      })
      if (socket.bufferedAmount > WAITING_BYTES) await last
    },
    /** Resolves once all of them left. */
    sent: () => last,
  }
}

/**
 * In the order of the messages; the socket is not read while the miner has WAITING_BYTES to take. Input that the miner
 * no longer takes is dropped: the output tells whether the command ended or the connection broke.
 */
function takeInput(
  socket: WebSocket,
  channel: FrameChannel,
  window: OutputWindow,
  failed: (error: unknown) => void,
): void {
  let last: Promise<void> = Promise.resolve()
  let waitingBytes = 0
  let taken = true
  const take = async (data: Buffer, isBinary: boolean): Promise<void> => {
    const frame = inputFrame(data, isBinary)
    if (!taken) return
    await channel.send(frame.to, frame.data).catch(() => {
      taken = false
    })
  }
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    const upTo = isBinary ? undefined : windowOf(data)
    if (upTo !== undefined) return window.openTo(upTo)
    waitingBytes += data.length
    if (waitingBytes >= WAITING_BYTES) {
      socket.pause()
      window.setDeaf(true)
    }
    last = last.then(() => take(data, isBinary))
    last.then(() => {
      waitingBytes -= data.length
      if (waitingBytes > 0 || !socket.isPaused) return
      window.setDeaf(false)
      socket.resume()
    }, failed)
  })
  socket.resume()
}

/** Of the reader's word on how far it is; undefined for every other message. */
function windowOf(data: Buffer): number | undefined {
  if (!data.includes('"window"')) return undefined
  const { success, data: said } = outputWindow.safeParse(JSON.parse(data.toString()))
  return success ? said.upTo : undefined
}

function inputFrame(data: Buffer, isBinary: boolean): { to: number; data: Uint8Array } {
  if (!isBinary) {
    return { to: channels.control, data: controlToMiner.encode(JSON.parse(data.toString())) }
  }
  if (data[0] === channels.stdin) return { to: channels.stdin, data: data.subarray(1) }
  throw new NodeError('BAD_MESSAGE', `channel ${data[0]} is not for input`)
}
