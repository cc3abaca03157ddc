import { hash, randomBytes } from 'node:crypto'
import { KiB, MiB } from '../units.ts'

export interface RoomLimits {
  /** Peers that wait at once. */
  readonly peers: number
  /** What is kept of one peer: the newest of its items. */
  readonly itemsPerPeer: number
  readonly bytesPerPeer: number
  /** What is kept of all of them. */
  readonly bytes: number
}
/** One slot's testimony of a validator over 256 GPUs is about 90 KiB. */
const LIMITS: RoomLimits = { peers: 64, itemsPerPeer: 32, bytesPerPeer: 256 * KiB, bytes: 8 * MiB }

interface Waiting<T> {
  readonly value: T
  readonly bytes: number
  /** The neighbour that brought it. */
  readonly sender: string
}

/**
 * What peers said before this node could know whether they may. Anyone may fill it with fresh names, and no neighbour
 * passes on what it cannot judge, so a flood comes from who floods: a full room lets go of the oldest that the neighbour
 * brought who fills most of it. Among neighbours who fill as much, a draw with a secret decides, so that nobody with
 * many connections can push out chosen others.
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

  /** Keeps what a peer said, and `sender` brought, under its place, where the first word stands. */
  add(peerId: string, place: string, value: T, bytes: number, sender: string): void {
    const { itemsPerPeer, bytesPerPeer } = this.#limits
    const items = this.#peers.get(peerId) ?? new Map<string, Waiting<T>>()
    if (items.has(place) || bytes > bytesPerPeer) return
    items.set(place, { value, bytes, sender })
    while (items.size > itemsPerPeer || bytesOf(items) > bytesPerPeer) {
      items.delete(items.keys().next().value!)
    }
    this.#peers.set(peerId, items)
    this.#makeRoom()
  }

  /** Lets a peer's items out, in the order they came. */
  take(peerId: string): T[] {
    const items = this.#peers.get(peerId)
    this.#peers.delete(peerId)
    return [...(items?.values() ?? [])].map(({ value }) => value)
  }

  #makeRoom(): void {
    const { peers, bytes } = this.#limits
    while (this.#peers.size > peers) this.#dropOldest(() => 1)
    const total = (): number => this.#peers.values().reduce((sum, items) => sum + bytesOf(items), 0)
    while (total() > bytes) this.#dropOldest(bytesOf)
  }

  /** The first of the peers whose sender fills most of the room goes, with all it said. */
  #dropOldest(sizeOf: (items: ReadonlyMap<string, Waiting<T>>) => number): void {
    const sizes = new Map<string, number>()
    for (const items of this.#peers.values()) {
      const sender = senderOf(items)
      sizes.set(sender, (sizes.get(sender) ?? 0) + sizeOf(items))
    }
    const [largest] = [...sizes].toSorted(
      ([a, x], [b, y]) => y - x || (this.#draw(a) < this.#draw(b) ? 1 : -1),
    )[0]!
    const [oldest] = [...this.#peers].find(([, items]) => senderOf(items) === largest)!
    this.#peers.delete(oldest)
  }

  #draw(name: string): string {
    return hash('sha256', Buffer.concat([this.#secret, Buffer.from(name)]))
  }
}

const bytesOf = (items: ReadonlyMap<string, { readonly bytes: number }>): number =>
  items.values().reduce((sum, item) => sum + item.bytes, 0)

/** Who brought the first thing that stands of a peer answers for all of it. */
const senderOf = (items: ReadonlyMap<string, { readonly sender: string }>): string =>
  items.values().next().value!.sender
