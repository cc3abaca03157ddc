import { hash, randomBytes } from 'node:crypto'
import { KiB } from '../units.ts'

export interface RoomLimits {
  /** Peers that wait at once. */
  readonly peers: number
  /** What is kept of one peer: the newest of its items. */
  readonly itemsPerPeer: number
  readonly bytesPerPeer: number
}
/** At most 16 MiB in all; one slot's testimony of a validator over 256 GPUs is about 90 KiB. */
const LIMITS: RoomLimits = { peers: 64, itemsPerPeer: 32, bytesPerPeer: 256 * KiB }

interface Waiting<T> {
  readonly value: T
  readonly bytes: number
}

/**
 * What peers said before this node could know whether they may. Anyone may fill it with fresh names, so a full room
 * keeps a random choice among them, drawn with a secret: a flood gets its share and cannot push out chosen others.
 */
export class WaitingRoom<T> {
  readonly #limits: RoomLimits
  readonly #secret = randomBytes(16)
  readonly #peers = new Map<string, Map<string, Waiting<T>>>()

  constructor(limits: RoomLimits = LIMITS) {
    this.#limits = limits
  }

  /** Who waits. */
  peers(): string[] {
    return [...this.#peers.keys()]
  }

  /** Keeps what a peer said under its place, where the first word stands. */
  add(peerId: string, place: string, value: T, bytes: number): void {
    const { peers, itemsPerPeer, bytesPerPeer } = this.#limits
    const items = this.#peers.get(peerId) ?? new Map<string, Waiting<T>>()
    if (items.has(place) || bytes > bytesPerPeer) return
    items.set(place, { value, bytes })
    const total = (): number => items.values().reduce((sum, item) => sum + item.bytes, 0)
    while (items.size > itemsPerPeer || total() > bytesPerPeer) {
      items.delete(items.keys().next().value!)
    }
    this.#peers.set(peerId, items)
    if (this.#peers.size <= peers) return
    const draw = (name: string): string =>
      hash('sha256', Buffer.concat([this.#secret, Buffer.from(name)]))
    this.#peers.delete(this.peers().reduce((a, b) => (draw(a) > draw(b) ? a : b)))
  }

  /** Lets a peer's items out, in the order they came. */
  take(peerId: string): T[] {
    const items = this.#peers.get(peerId)
    this.#peers.delete(peerId)
    return [...(items?.values() ?? [])].map(({ value }) => value)
  }
}
