import type { FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { NodeError } from '../../../errors.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import { codeOfPeer } from '../../../protocols/refusal.ts'
import {
  type ControlToRenter,
  channels,
  controlToMiner,
  controlToRenter,
  type SessionRequest,
  sessionProtocol,
} from '../../../protocols/session.ts'
import { findLease } from '../../leases/find-lease.ts'
import { openSession, sessionError } from '../../leases/open-session.ts'
import type { RentBook } from '../../leases/rent-book.ts'
import { toJson } from '../../output.ts'

/** The query parameter `request` of the socket, as JSON. */
const asked = z.strictObject({
  kind: z.enum(['exec', 'logs']).default('exec'),
  command: z.array(z.string()).min(1).optional(),
  tty: z.boolean().default(false),
  env: z.record(z.string(), z.string()).default({}),
})
export type SessionAsked = z.input<typeof asked>

/**
 * `WebSocket /v1/leases/:id/exec?request=JSON`: a session in a lease. Binary messages are one channel byte and data
 * (0 stdin; 1 stdout, 2 stderr); text messages are JSON: `{"kind":"eof"}`, `resize`, `signal` one way,
 * `{"kind":"started"}` and `{"kind":"exit","exitCode":0}` the other. Closing it hangs up on the command.
 */
export function sessionsRoute(
  app: FastifyInstance,
  { renting: book }: { renting: RentBook },
): void {
  app.webSocket('/v1/leases/:id/exec', async ({ params, query, signal }, accept) => {
    const found = await findLease(book, params['id'] ?? '')
    const request = parseAsked(query.get('request') ?? '{}')
    const channel = await openSession(book, found, request, signal)
    const socket = await accept()
    try {
      await bridge(socket, channel)
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
      throw sessionError(error, found.id)
    }
    socket.close(1000)
  })
}

function parseAsked(text: string): Omit<SessionRequest, 'leaseId'> {
  try {
    const request = asked.parse(JSON.parse(text))
    sessionProtocol.request.encode({ ...request, leaseId: new Uint8Array(32) })
    return request
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_VALUE', 'the session request is malformed', { cause })
  }
}

/** Both directions at the pace of the slower side; resolves when the command has ended and all of it was sent. */
async function bridge(socket: WebSocket, channel: FrameChannel): Promise<void> {
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
const send = (socket: WebSocket, message: string | Uint8Array): Promise<void> =>
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
