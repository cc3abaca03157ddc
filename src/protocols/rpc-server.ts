import type { Duplex } from 'node:stream'
import { codeOf, NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { createAdmission } from './admission.ts'
import { Call, type Caller } from './call.ts'
import { createFrameReader } from './frame-reader.ts'
import { type Peers, type Remote, refuse } from './peers.ts'
import type { Protocol } from './protocol.ts'
import { refusalFrame } from './refusal.ts'
import {
  createFrameWriter,
  ID_BYTES,
  type MessageFrame,
  messageFrame,
  readMessage,
  tags,
} from './wire.ts'

/** Kept streams per peer and protocol: one is used, more only while it replaces a broken one. */
const MAX_STREAMS = 4
/** Requests of one stream answered at once; askers keep fewer, so a cancel is always read. */
const MAX_RUNNING = 256
/** The answers of one stream in the making hold about this much at most: their asker may never read them. */
const MAX_ANSWER_BYTES = 8 * MiB
const LEAST_RUNNING = 4

export type Handler<Req, Res> = (request: Req, caller: Caller) => Promise<Res>

/** Answers one protocol on kept streams, many requests at once, each under its own id. */
export function serveRequests<Req, Res>(
  peers: Peers,
  protocol: Protocol<Req, Res>,
  handler: Handler<Req, Res>,
  signal: AbortSignal,
): Promise<void> {
  const admit = createAdmission(peers, protocol)
  const handle = (from: Remote) => (body: Uint8Array, call: Call) =>
    handler(admit(from, body), call)
  const serve = (duplex: Duplex, from: Remote): void => {
    const onBadStream = (error: unknown): void => {
      if (duplex.destroyed) return // the asker left: no one to tell
      peers.refused(protocol.name, from.peerId, codeOf(error))
      refuse(duplex, error)
    }
    new Answerer(duplex, from, peers, protocol, handle(from)).run().catch(onBadStream)
  }
  return peers.accept(protocol.name, MAX_STREAMS, serve, signal)
}

/** One kept stream's requests. */
class Answerer<Req, Res> {
  readonly #duplex: Duplex
  readonly #from: Remote
  readonly #peers: Peers
  readonly #protocol: Protocol<Req, Res>
  readonly #handle: (body: Uint8Array, call: Call) => Promise<Res>
  readonly #running = new Map<number, Call>()
  readonly #maxRunning: number
  #slotFreed: (() => void) | undefined

  constructor(
    duplex: Duplex,
    from: Remote,
    peers: Peers,
    protocol: Protocol<Req, Res>,
    handle: (body: Uint8Array, call: Call) => Promise<Res>,
  ) {
    this.#duplex = duplex
    this.#from = from
    this.#peers = peers
    this.#protocol = protocol
    this.#handle = handle
    const fitting = Math.floor(MAX_ANSWER_BYTES / protocol.limits.responseBytes)
    this.#maxRunning = Math.min(MAX_RUNNING, Math.max(LEAST_RUNNING, fitting))
    duplex.once('close', () => {
      for (const call of this.#running.values()) call.cancel(new Error('the asker is gone'))
    })
  }

  async run(): Promise<void> {
    const reader = createFrameReader(this.#duplex, this.#protocol.limits.requestBytes + ID_BYTES)
    const writer = createFrameWriter(this.#duplex)
    const answer = (frame: MessageFrame): void => {
      void this.#answer(frame).then((reply) => writer.write(reply))
    }
    for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
      const message = readMessage(frame)
      if (message.tag === tags.cancel) this.#running.get(message.id)?.cancel(new Error('cancelled'))
      else if (message.tag === tags.request && !this.#running.has(message.id)) answer(message)
      else throw new NodeError('BAD_MESSAGE', `frame tag ${message.tag} has no place here`)
      await writer.drained() // a peer that does not read its answers is not asked for more
      if (this.#running.size >= this.#maxRunning) await this.#slot()
    }
    this.#duplex.end()
  }

  /** The frame that answers a request; never rejects. */
  async #answer({ id, body }: MessageFrame): Promise<Buffer> {
    const call = new Call(this.#from, this.#protocol.limits.timeoutMs)
    this.#running.set(id, call)
    try {
      const response = this.#protocol.response.encode(await this.#handle(body, call))
      return messageFrame(tags.result, id, response)
    } catch (error) {
      reportFailure(this.#peers, this.#protocol.name, error)
      return refusalFrame(id, error)
    } finally {
      call.end()
      this.#running.delete(id)
      this.#slotFreed?.()
    }
  }

  #slot(): Promise<void> {
    return new Promise((resolve) => {
      this.#slotFreed = () => {
        this.#slotFreed = undefined
        resolve()
      }
    })
  }
}

/** An error no one expected is this node's own fault: logged here, while the asker learns only FAILED. */
export function reportFailure({ log }: Peers, name: string, error: unknown): void {
  if (!(error instanceof NodeError)) log.error('handler-failed', error, { protocol: name })
}
