import { contradict, type SignedClaim } from '../../protocols/fraud.ts'

type Remembered = SignedClaim & { readonly bytes: Uint8Array }

/** Claims kept of one device's work in one slot: a window has fewer ticks. */
const PER_WORK = 32

/**
 * Remembers signed ticks and Finals of running slots, so that one who tells two tales is caught with both. Whoever uses
 * it hands in claims of devices and slots that it follows, and forgets the slots: else miners would choose what is kept.
 */
export class ClaimMemory {
  readonly #bySlot = new Map<number, Map<string, Remembered[]>>()

  /** Takes a signed claim as it came; returns it with an earlier one of the same device that it contradicts. */
  hear(
    signed: SignedClaim,
    bytes: Uint8Array,
  ): readonly [earlier: Uint8Array, now: Uint8Array] | undefined {
    const { slot, gpu, work } = signed.claim
    const known = this.#ofWork(slot, `${signed.peerId}/${gpu}/${work}`)
    const other = known.find((one) => contradict(one, signed))
    if (other !== undefined) return [other.bytes, bytes]
    if (known.length < PER_WORK) known.push({ ...signed, bytes })
    return undefined
  }

  /** Lets go of a slot that is over. */
  forget(slot: number): void {
    this.#bySlot.delete(slot)
  }

  #ofWork(slot: number, key: string): Remembered[] {
    const ofSlot = this.#bySlot.get(slot) ?? new Map<string, Remembered[]>()
    this.#bySlot.set(slot, ofSlot)
    const known = ofSlot.get(key) ?? []
    ofSlot.set(key, known)
    return known
  }
}
