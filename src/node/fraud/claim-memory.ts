import { contradict, openClaim, type SignedClaim } from '../../protocols/fraud.ts'
import type { Network } from '../../protocols/network.ts'

interface Remembered extends SignedClaim {
  readonly bytes: Uint8Array
}

/** Claims kept of one device's work in one slot: a window has fewer ticks. */
const PER_WORK = 32
/** Slots whose claims are kept; a slot is over before the next but one begins. */
const SLOTS = 2

/** Remembers signed ticks and Finals of running slots, so that one who tells two tales is caught with both. */
export class ClaimMemory {
  readonly #net: Network
  readonly #bySlot = new Map<number, Map<string, Remembered[]>>()

  constructor(net: Network) {
    this.#net = net
  }

  /**
   * Takes a signed claim; returns it with an earlier one of the same device that it contradicts.
   * @throws BAD_MESSAGE on bytes that are no signed claim
   */
  hear(bytes: Uint8Array): readonly [earlier: Uint8Array, now: Uint8Array] | undefined {
    const signed = openClaim(this.#net, bytes)
    const { slot, gpu, work } = signed.claim
    const known = this.#ofWork(slot, `${signed.peerId}/${gpu}/${work}`)
    const other = known.find((one) => contradict(one, signed))
    if (other !== undefined) return [other.bytes, bytes]
    if (known.length < PER_WORK) known.push({ ...signed, bytes })
    return undefined
  }

  #ofWork(slot: number, key: string): Remembered[] {
    let ofSlot = this.#bySlot.get(slot)
    if (ofSlot === undefined) {
      ofSlot = new Map()
      this.#bySlot.set(slot, ofSlot)
      if (this.#bySlot.size > SLOTS) this.#bySlot.delete(Math.min(...this.#bySlot.keys()))
    }
    let known = ofSlot.get(key)
    if (known === undefined) {
      known = []
      ofSlot.set(key, known)
    }
    return known
  }
}
