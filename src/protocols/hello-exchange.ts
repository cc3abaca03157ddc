import type { Duplex } from 'node:stream'
import { z } from 'zod'
import { type NowMs, sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, timeMs } from './fields.ts'
import { createFrameReader, type FrameReader } from './frame-reader.ts'
import type { Network } from './network.ts'
import { refusalError, refusalFrame } from './refusal.ts'
import { type Frame, messageFrame, readMessage, tags } from './wire.ts'

/** The versions of this program's protocols that a node speaks; two nodes need one in common. */
export const VERSIONS: readonly number[] = [1]
const MAX_HELLO_BYTES = 512
/** A refusal's code, message and next step are longer than a hello. */
const MAX_ANSWER_BYTES = 8 * MAX_HELLO_BYTES
const CLOSE_MS = 2000

/** The first message on a connection, both ways. */
export const helloCodec = cborCodec(
  z.looseObject({
    netDigest: bytes(32),
    versions: z.array(integer(0, 0xffff)).min(1).max(16),
    timeMs: timeMs(),
  }),
  MAX_HELLO_BYTES,
)
export type HelloMessage = Message<typeof helloCodec>

/** This node's hello, now. */
const ours = (net: Network, nowMs: NowMs): Uint8Array =>
  helloCodec.encode({ netDigest: net.digest, versions: [...VERSIONS], timeMs: nowMs() })

/** The dialer's part: speaks first and returns the other's hello; throws why the two do not fit. */
export async function sayHello(
  duplex: Duplex,
  net: Network,
  nowMs: NowMs,
  peer: string,
  signal: AbortSignal,
): Promise<HelloMessage> {
  const reader = bound(duplex, createFrameReader(duplex, MAX_ANSWER_BYTES), signal)
  duplex.write(messageFrame(tags.request, 0, ours(net, nowMs)))
  const frame = readMessage(await need(reader, [tags.result, tags.refused]))
  duplex.end()
  duplex.resume()
  if (frame.tag === tags.refused) throw refusalError(frame.body, peer)
  return fitting(net, frame.body)
}

/** The listener's part: hears the dialer's hello and answers it, or says why not and throws that. */
export async function hearHello(
  duplex: Duplex,
  net: Network,
  nowMs: NowMs,
  signal: AbortSignal,
): Promise<HelloMessage> {
  const reader = bound(duplex, createFrameReader(duplex, MAX_HELLO_BYTES), signal)
  try {
    const theirs = fitting(net, readMessage(await need(reader, [tags.request])).body)
    duplex.end(messageFrame(tags.result, 0, ours(net, nowMs)))
    duplex.resume()
    return theirs
  } catch (error) {
    duplex.end(refusalFrame(0, error))
    duplex.resume()
    await sleep(CLOSE_MS, signal) // lets the dialer read why before the connection goes
    throw error
  }
}

/** Aborts the stream, and with it whoever reads, when `signal` does. */
function bound(duplex: Duplex, reader: FrameReader, signal: AbortSignal): FrameReader {
  const onAbort = (): void => {
    reader.fail(signal.reason)
    duplex.destroy()
  }
  signal.addEventListener('abort', onAbort, { once: true })
  duplex.on('error', () => undefined) // the reader reports it
  duplex.once('close', () => signal.removeEventListener('abort', onAbort))
  return reader
}

async function need(reader: FrameReader, allowed: readonly number[]): Promise<Frame> {
  const frame = await reader.next()
  if (frame === undefined) throw new NodeError('PEER_LOST', 'the peer ended its hello early')
  if (allowed.includes(frame.tag)) return frame
  throw new NodeError('BAD_MESSAGE', `frame tag ${frame.tag} where hello belongs`)
}

/** The hello if both sides are of one network and share a version. */
function fitting(net: Network, body: Uint8Array): HelloMessage {
  const theirs = helloCodec.decode(body)
  if (Buffer.compare(theirs.netDigest, net.digest) !== 0) throw otherNetwork(net)
  if (!theirs.versions.some((version) => VERSIONS.includes(version))) {
    throw new NodeError(
      'PEER_VERSION',
      `versions ${theirs.versions.join(', ')}; here ${VERSIONS.join(', ')}`,
      { next: 'update the older of the two programs' },
    )
  }
  return theirs
}

/** The refusal of a peer from elsewhere. */
export const otherNetwork = (net: Network, cause?: unknown): NodeError =>
  new NodeError('PEER_OTHER_NETWORK', `the peer is not of network ${net.name}`, {
    next: 'compare --network, --netuid and the genesis hash of both nodes',
    ...(cause === undefined ? {} : { cause }),
  })
