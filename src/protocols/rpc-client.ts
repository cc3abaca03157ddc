import type { Duplex } from 'node:stream'
import { deadline } from '../clock.ts'
import { NodeError } from '../errors.ts'
import { createFrameReader, lost } from './frame-reader.ts'
import type { Peers } from './peers.ts'
import { refusalError } from './refusal.ts'
import {
  createFrameWriter,
  type FrameWriter,
  ID_BYTES,
  messageFrame,
  readMessage,
  tags,
} from './wire.ts'

/** Requests of one stream that wait for an answer; more wait for their turn here. */
const MAX_WAITING = 128
/** A refusal may be longer than the answers of a protocol. */
const REFUSAL_BYTES = 8192

/** What the asking side knows of a protocol. */
export interface Asked {
  readonly name: string
  readonly limits: { readonly responseBytes: number; readonly timeoutMs: number }
}

interface Waiting {
  resolve(body: Uint8Array): void
  reject(error: unknown): void
  timer: NodeJS.Timeout
  release(): void
}

/** One kept stream to a peer: requests go out as they come, answers return in any order. */
export class Link {
  readonly #duplex: Duplex
  readonly #writer: FrameWriter
  readonly #peer: string
  readonly #protocol: Asked
  readonly #waiting = new Map<number, Waiting>()
  readonly #turns: (() => void)[] = []
  #nextId = 1
  #failure: Error | undefined

  constructor(duplex: Duplex, peer: string, protocol: Asked) {
    this.#duplex = duplex
    this.#writer = createFrameWriter(duplex)
    this.#peer = peer
    this.#protocol = protocol
    this.#read().then(
      () => this.#fail(lost(new Error('the peer ended the stream'))),
      (error: Error) => this.#fail(error),
    )
  }

  get alive(): boolean {
    return this.#failure === undefined && this.#duplex.writable
  }

  /** Asks; rejects with the peer's refusal, PEER_TIMEOUT, PEER_LOST, BAD_MESSAGE or the signal's reason. */
  async ask(
    body: Uint8Array,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    signal?.throwIfAborted()
    while (this.#waiting.size >= MAX_WAITING) {
      await new Promise<void>((resolve) => this.#turns.push(resolve))
      if (signal?.aborted !== true) continue
      this.#turns.shift()?.() // the turn is for who still wants it
      throw signal.reason
    }
    if (this.#failure !== undefined) throw this.#failure
    return this.#send(body, timeoutMs, signal)
  }

  #send(body: Uint8Array, timeoutMs: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const id = this.#nextId
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1
    return new Promise((resolve, reject) => {
      const giveUp = (reason: unknown): void => {
        this.#settle(id)?.reject(reason)
        this.#writer.write(messageFrame(tags.cancel, id))
      }
      const onAbort = (): void => giveUp(signal?.reason)
      const onTimeout = (): void => giveUp(timedOut(this.#protocol.name, this.#peer, timeoutMs))
      const release = (): void => signal?.removeEventListener('abort', onAbort)
      signal?.addEventListener('abort', onAbort, { once: true })
      const timer = setTimeout(onTimeout, timeoutMs)
      this.#waiting.set(id, { resolve, reject, timer, release })
      this.#writer.write(messageFrame(tags.request, id, body))
    })
  }

  /** Takes a request out of those that wait; undefined when it no longer waits. */
  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return undefined
    this.#waiting.delete(id)
    clearTimeout(waiting.timer)
    waiting.release()
    this.#turns.shift()?.()
    return waiting
  }

  async #read(): Promise<void> {
    const maxBytes = Math.max(this.#protocol.limits.responseBytes, REFUSAL_BYTES) + ID_BYTES
    const reader = createFrameReader(this.#duplex, maxBytes)
    for (let frame = await reader.next(); frame !== undefined; frame = await reader.next()) {
      const { tag, id, body } = readMessage(frame)
      if (tag === tags.refused) {
        const error = refusalError(body, this.#peer)
        if (id === 0) throw error // speaks of the whole stream
        this.#settle(id)?.reject(error)
      } else if (tag === tags.result) this.#settle(id)?.resolve(body)
      else throw new NodeError('BAD_MESSAGE', `frame tag ${tag} has no place here`)
    }
  }

  #fail(error: Error): void {
    this.#failure = error
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(error)
    for (const turn of this.#turns.splice(0)) turn()
    this.#duplex.destroy()
  }
}

/** The kept streams of a node: one per peer and protocol, opened when first asked, replaced when broken. */
export class Links {
  readonly #peers: Peers
  readonly #open = new Map<string, Link>()
  readonly #opening = new Map<string, Promise<Link>>()

  constructor(peers: Peers) {
    this.#peers = peers
  }

  /** The stream to `peer`, at once when it is there. */
  get(peer: string, protocol: Asked): Link | Promise<Link> {
    const key = `${peer}/${protocol.name}`
    const link = this.#open.get(key)
    if (link?.alive) return link
    this.#open.delete(key)
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#connect(key, peer, protocol).finally(() => this.#opening.delete(key))
      this.#opening.set(key, opening)
    }
    return opening
  }

  async #connect(key: string, peer: string, protocol: Asked): Promise<Link> {
    const { name, limits } = protocol
    using limit = deadline(this.#peers.signal, limits.timeoutMs)
    try {
      const duplex = await this.#peers.open(name, peer, limit.signal)
      const link = new Link(duplex, peer, protocol)
      duplex.once('close', () => {
        if (this.#open.get(key) === link) this.#open.delete(key)
      })
      this.#open.set(key, link)
      return link
    } catch (error) {
      if (!limit.expired) throw error
      throw timedOut(name, peer, limits.timeoutMs)
    }
  }
}

export const timedOut = (name: string, peer: string, timeoutMs: number): NodeError =>
  new NodeError('PEER_TIMEOUT', `${peer} did not answer ${name} within ${timeoutMs} ms`, {
    next: 'try again, or choose another peer',
  })
