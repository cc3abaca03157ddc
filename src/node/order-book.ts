import { encodeCbor } from '../protocols/codec.ts'
import type { Offer, Withdrawal } from '../protocols/offers.ts'
import type { Signed } from '../protocols/signed.ts'
import type { Verdict } from '../protocols/topic.ts'
import { minutesMs, secondsMs } from '../units.ts'

/** Clocks may differ by this much; sequence numbers may run ahead by more (DESIGN.md, "Bytes"). */
const SKEW_MS = secondsMs(30)
const SEQ_AHEAD_MS = minutesMs(2)

export interface BookLimits {
  /** Live offers of one hotkey, and of one peer without any. */
  readonly perOwner: number
  readonly offers: number
  readonly tombstones: number
}
export const BOOK_LIMITS: BookLimits = { perOwner: 16, offers: 10_000, tombstones: 20_000 }

/** Whose quota a peer's offers count against; undefined when it may not publish on this network. */
export type OwnerOf = (peerId: string) => string | undefined

interface Standing {
  readonly record: Signed<Offer>
  readonly owner: string
}

/** What a record did to the book: the keys to write and to delete, so that a store can follow. */
export interface BookChange {
  readonly verdict: Verdict
  /** False for a mere repetition, which only expires later. */
  readonly isNews?: boolean
  /** `live/<PeerId>/<lot>` or `gone/<PeerId>/<lot>`. */
  readonly put?: { readonly key: string; readonly bytes: Uint8Array }
  readonly remove?: readonly string[]
}

const refused = (ignore: string): BookChange => ({ verdict: { ignore } })
const placeOf = ({ peerId, lot }: { peerId: string; lot: number }): string => `${peerId}/${lot}`
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/**
 * Which offers stand, decided from records and the time alone. One record stands per peer and lot: the highest
 * sequence, and of one sequence the latest expiry. A withdrawal stands in its place until the offer would have
 * expired. A full book makes room by taking from whoever has most, never the oldest or the next to expire: those are
 * the honest ones when somebody floods it.
 */
export class OrderBook {
  readonly #live = new Map<string, Standing>()
  readonly #gone = new Map<string, Signed<Withdrawal>>()
  /** Ids of records that were judged, until which time they need no second look. */
  readonly #known = new Map<string, number>()
  readonly #byOwner = new Map<string, Set<string>>()
  readonly #ownerOf: OwnerOf
  readonly #limits: BookLimits

  constructor(ownerOf: OwnerOf, limits: BookLimits = BOOK_LIMITS) {
    this.#ownerOf = ownerOf
    this.#limits = limits
  }

  get size(): number {
    return this.#live.size
  }

  /** True for a record already judged here, until its expiry plus skew. */
  knows(id: Uint8Array): boolean {
    return this.#known.has(hex(id))
  }

  /** Judges an offer whose signature and bytes were checked, and keeps it when it is accepted. */
  admit(record: Signed<Offer>, nowMs: number): BookChange {
    const { payload } = record
    const late = timeFault(payload, nowMs)
    if (late !== undefined) return refused(late)
    const owner = this.#ownerOf(payload.peerId)
    if (owner === undefined) return refused('not bound to a registered hotkey')
    const place = placeOf(payload)
    const gone = this.#gone.get(place)
    if (gone !== undefined && payload.seq <= gone.payload.seq) {
      this.#remember(record)
      return refused('withdrawn')
    }
    const standing = this.#live.get(place)
    const older = standing === undefined ? undefined : olderThan(record, standing.record)
    if (older !== undefined) {
      this.#remember(record)
      return refused(older)
    }
    const room = standing === undefined ? this.#makeRoom(owner) : []
    if (room === undefined) return refused('quota')
    if (standing !== undefined) this.#drop(place)
    this.#keep(place, { record, owner })
    const isNews = standing?.record.payload.seq !== payload.seq
    const put = { key: `live/${place}`, bytes: record.bytes }
    return { verdict: 'accept', isNews, put, remove: room }
  }

  /** Judges a withdrawal; it stands as a tombstone until its expiry, also when its offer was never seen. */
  withdraw(record: Signed<Withdrawal>, nowMs: number): BookChange {
    const { payload } = record
    const late = timeFault(payload, nowMs)
    if (late !== undefined) return refused(late)
    const owner = this.#ownerOf(payload.peerId)
    if (owner === undefined) return refused('not bound to a registered hotkey')
    const place = placeOf(payload)
    const gone = this.#gone.get(place)
    const isNews = gone === undefined || isNewer(payload, gone.payload)
    this.#remember(record)
    if (!isNews) return refused('a newer withdrawal is known')
    const standing = this.#live.get(place)
    const ends = standing !== undefined && standing.record.payload.seq <= payload.seq
    // Whoever fills the book with tombstones of nothing keeps nobody from withdrawing what stands.
    const full = this.#gone.size >= this.#limits.tombstones
    if (gone === undefined && full && !ends) return refused('quota')
    this.#gone.set(place, record)
    if (ends) this.#drop(place)
    return {
      verdict: 'accept',
      put: { key: `gone/${place}`, bytes: record.bytes },
      remove: ends ? [`live/${place}`] : [],
    }
  }

  /** Offers that stand now. */
  offers(nowMs: number): Signed<Offer>[] {
    return [...this.#live.values()]
      .map(({ record }) => record)
      .filter(({ payload }) => payload.expiresAtMs > nowMs)
  }

  /** The standing offer with this id, in hex. */
  find(id: string, nowMs: number): Signed<Offer> | undefined {
    return this.offers(nowMs).find((record) => hex(record.id) === id)
  }

  /** Tombstones that stand now. */
  withdrawals(): Signed<Withdrawal>[] {
    return [...this.#gone.values()]
  }

  /** Forgets what expired; returns the expired offers and the store keys to delete. */
  sweep(nowMs: number): { readonly expired: Signed<Offer>[]; readonly remove: string[] } {
    const over = (ms: number): boolean => ms + SKEW_MS <= nowMs
    const offers = [...this.#live].filter(([, s]) => s.record.payload.expiresAtMs <= nowMs)
    const stones = [...this.#gone].filter(([, w]) => over(w.payload.expiresAtMs))
    for (const [place] of offers) this.#drop(place)
    for (const [place] of stones) this.#gone.delete(place)
    for (const [id, untilMs] of this.#known) if (over(untilMs)) this.#known.delete(id)
    return {
      expired: offers.map(([, { record }]) => record),
      remove: [...offers.map(([p]) => `live/${p}`), ...stones.map(([p]) => `gone/${p}`)],
    }
  }

  /** Keys that had to go for a newcomer; undefined when the newcomer is the one with no right to room. */
  #makeRoom(owner: string): string[] | undefined {
    const own = this.#byOwner.get(owner)?.size ?? 0
    if (own >= this.#limits.perOwner) return undefined
    if (this.#live.size < this.#limits.offers) return []
    const [, most] = [...this.#byOwner].reduce((a, b) => (b[1].size > a[1].size ? b : a))
    const victim = most.size > own ? most.values().next().value : undefined
    if (victim === undefined) return undefined
    this.#drop(victim)
    return [`live/${victim}`]
  }

  #keep(place: string, standing: Standing): void {
    this.#live.set(place, standing)
    const own = this.#byOwner.get(standing.owner) ?? new Set()
    this.#byOwner.set(standing.owner, own.add(place))
    this.#remember(standing.record)
  }

  #drop(place: string): void {
    const standing = this.#live.get(place)
    if (standing === undefined) return
    this.#live.delete(place)
    const own = this.#byOwner.get(standing.owner)
    own?.delete(place)
    if (own?.size === 0) this.#byOwner.delete(standing.owner)
  }

  #remember({ id, payload }: Signed<Offer> | Signed<Withdrawal>): void {
    if (this.#known.size >= 4 * this.#limits.offers) {
      this.#known.delete(this.#known.keys().next().value!)
    }
    this.#known.set(hex(id), payload.expiresAtMs)
  }
}

type Timed = Pick<Offer, 'seq' | 'issuedAtMs' | 'expiresAtMs'>

function timeFault({ seq, issuedAtMs, expiresAtMs }: Timed, nowMs: number): string | undefined {
  if (expiresAtMs <= nowMs) return 'expired'
  if (issuedAtMs > nowMs + SKEW_MS) return 'issued in the future'
  if (seq > nowMs + SEQ_AHEAD_MS) return 'its sequence is ahead of time'
  return undefined
}

const isNewer = (a: Timed, b: Timed): boolean =>
  a.seq > b.seq || (a.seq === b.seq && a.expiresAtMs > b.expiresAtMs)

/** Why a record may not replace the standing one; undefined when it may. */
function olderThan(
  { payload: a }: Signed<Offer>,
  { payload: b }: Signed<Offer>,
): string | undefined {
  if (!isNewer(a, b)) return 'a newer one stands'
  if (a.seq === b.seq && !sameTerms(a, b)) return 'it changed without a new sequence'
  return undefined
}

/** Whether one offer merely repeats another: equal but for issue, expiry and what was measured meanwhile. */
export function sameTerms(a: Offer, b: Offer): boolean {
  const core = (offer: Offer) => {
    const devices = offer.devices.map((device) => ({ ...device, measured: undefined }))
    return encodeCbor({ ...offer, devices, issuedAtMs: 0, expiresAtMs: 0 })
  }
  return Buffer.compare(core(a), core(b)) === 0
}
