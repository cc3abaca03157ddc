import type { Duplex } from 'node:stream'
import type { PeerId } from '@libp2p/interface'
import { deadline } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { createAdmission } from './admission.ts'
import { Call, type Caller } from './call.ts'
import { createFrameReader, type FrameReader } from './frame-reader.ts'
import { type Peers, type Remote, refuse } from './peers.ts'
import type { Protocol } from './protocol.ts'
import { refusalError } from './refusal.ts'
import { timedOut } from './rpc-client.ts'
import { reportFailure } from './rpc-server.ts'
import { createFrameWriter, ID_BYTES, messageFrame, readMessage, tags } from './wire.ts'

/** Streamed answers one peer may follow at once, per protocol. */
const MAX_STREAMS = 16
/** Every such stream carries one request, under this id. */
const ID = 1
const REFUSAL_BYTES = 8192

export type StreamHandler<Req, Res> = (request: Req, caller: Caller) => AsyncIterable<Res>

/** Answers one protocol with streams of items, as fast as the asker takes them. */
export function serveItems<Req, Res>(
  peers: Peers,
  protocol: Protocol<Req, Res>,
  handler: StreamHandler<Req, Res>,
  signal: AbortSignal,
): Promise<void> {
  const admit = createAdmission(peers, protocol)
  const answer = async (duplex: Duplex, from: Remote): Promise<void> => {
    const call = new Call(from)
    duplex.once('close', () => call.cancel(new Error('the asker is gone')))
    const reader = createFrameReader(duplex, protocol.limits.requestBytes + ID_BYTES)
    const body = await requestOf(reader, protocol.limits.timeoutMs)
    duplex.resume() // notices when the asker goes
    const writer = createFrameWriter(duplex)
    for await (const item of handler(admit(from, body), call)) {
      writer.write(messageFrame(tags.item, ID, protocol.response.encode(item)))
      await writer.drained()
      if (duplex.destroyed) return
    }
    writer.write(messageFrame(tags.end, ID))
    duplex.end()
  }
  const serve = (duplex: Duplex, from: Remote): void => {
    answer(duplex, from).catch((error: unknown) => {
      if (duplex.destroyed) return // the asker left: no one to tell
      reportFailure(peers, protocol.name, error)
      refuse(duplex, error, ID)
    })
  }
  return peers.accept(protocol.name, MAX_STREAMS, serve, signal)
}

/** Whoever opens a stream has its request at hand: one that dribbles it only holds a place. */
const REQUEST_WITHIN_MS = 10_000

/** The single request a stream starts with, within `timeoutMs`, and soon in any case. */
export async function requestOf(reader: FrameReader, timeoutMs: number): Promise<Uint8Array> {
  const ms = Math.min(timeoutMs, REQUEST_WITHIN_MS)
  const late = new NodeError('BAD_MESSAGE', `no request within ${ms} ms`)
  const timer = setTimeout(() => reader.fail(late), ms)
  try {
    const frame = await reader.next()
    if (frame?.tag === tags.request) return readMessage(frame).body
    throw new NodeError('BAD_MESSAGE', 'a stream starts with a request')
  } finally {
    clearTimeout(timer)
  }
}

/** Asks for a streamed answer on a stream of its own; leaving the loop early ends it. */
export async function* askItems<Req, Res>(
  peers: Peers,
  protocol: Protocol<Req, Res>,
  peer: PeerId | string,
  request: Req,
  signal: AbortSignal = peers.signal,
): AsyncGenerator<Res, void, undefined> {
  const { name, limits } = protocol
  const body = protocol.request.encode(request)
  using first = deadline(signal, limits.timeoutMs)
  const late = (error: unknown): unknown =>
    first.expired ? timedOut(name, peer.toString(), limits.timeoutMs) : error
  const duplex = await peers.open(name, peer, first.signal).catch((error: unknown) => {
    throw late(error)
  })
  const maxBytes = Math.max(limits.responseBytes, REFUSAL_BYTES) + ID_BYTES
  const reader = createFrameReader(duplex, maxBytes)
  const onLate = (): void => reader.fail(late(first.signal.reason) as Error)
  const onAbort = (): void => reader.fail(signal.reason)
  let isFirst = true
  first.signal.addEventListener('abort', onLate)
  signal.addEventListener('abort', onAbort)
  try {
    duplex.write(messageFrame(tags.request, ID, body))
    for (;;) {
      const item = await nextItem(reader, peer.toString())
      if (item === undefined) return
      if (isFirst) first[Symbol.dispose]() // the time limit is to the first item
      isFirst = false
      yield protocol.response.decode(item)
    }
  } finally {
    signal.removeEventListener('abort', onAbort)
    duplex.destroy()
  }
}

async function nextItem(reader: FrameReader, peer: string): Promise<Uint8Array | undefined> {
  const frame = await reader.next()
  if (frame === undefined) {
    throw new NodeError('PEER_LOST', 'truncated: the stream stopped before its last item', {
      next: 'ask again',
    })
  }
  const { tag, body } = readMessage(frame)
  if (tag === tags.item) return body
  if (tag === tags.end) return undefined
  if (tag === tags.refused) throw refusalError(body, peer)
  throw new NodeError('BAD_MESSAGE', `frame tag ${tag} has no place here`)
}
