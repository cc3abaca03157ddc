import type { WebSocket } from 'ws'
import { NodeError } from '../../errors.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import { codeOfPeer } from '../../protocols/refusal.ts'
import {
  type ControlToRenter,
  channels,
  controlToMiner,
  controlToRenter,
} from '../../protocols/session.ts'
import { toJson } from '../output.ts'

/** Both directions at the pace of the slower side; resolves when the command has ended and all of it was sent. */
export async function bridge(socket: WebSocket, channel: FrameChannel): Promise<void> {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  takeInput(socket, channel, reject)
  await Promise.race([sendOutput(socket, channel), failed])
}

async function sendOutput(socket: WebSocket, channel: FrameChannel): Promise<void> {
  for await (const { channel: from, data } of channel.frames()) {
    if (from === channels.control) await send(socket, toJson(controlOf(data)))
    else await send(socket, Buffer.concat([Uint8Array.of(from), data]))
  }
  await channel.end()
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
 * One message at a time; the socket is not read while the miner does not take more. Input that the miner no longer
 * takes is dropped: the output tells whether the command ended or the connection broke.
 */
function takeInput(
  socket: WebSocket,
  channel: FrameChannel,
  failed: (error: unknown) => void,
): void {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  let taken = true
  const take = async (data: Buffer, isBinary: boolean): Promise<void> => {
    const frame = inputFrame(data, isBinary)
    if (!taken) return
    await channel.send(frame.to, frame.data).catch(() => {
      taken = false
    })
  }
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    waiting += 1
    socket.pause()
    last = last.then(() => take(data, isBinary))
    last.then(
      () => {
        waiting -= 1
        if (waiting === 0) socket.resume()
      },
      (error) => failed(error),
    )
  })
  socket.resume()
}

function inputFrame(data: Buffer, isBinary: boolean): { to: number; data: Uint8Array } {
  if (!isBinary) {
    return { to: channels.control, data: controlToMiner.encode(JSON.parse(data.toString())) }
  }
  if (data[0] === channels.stdin) return { to: channels.stdin, data: data.subarray(1) }
  throw new NodeError('BAD_MESSAGE', `channel ${data[0]} is not for input`)
}
