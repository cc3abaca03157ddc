import type { NowMs } from '../clock.ts'
import type { ReportRow } from '../protocols/attestations.ts'
import { ASSET_DECIMALS, parseAmount } from '../protocols/money.ts'
import type { Network } from '../protocols/network.ts'
import { type Offer, offerId } from '../protocols/offers.ts'
import type { Signed } from '../protocols/signed.ts'
import { minutesMs, secondsMs } from '../units.ts'

/** A live offer of a device, as a report row tells it. */
export type ToldOffer = NonNullable<ReportRow['offer']>

/** What this validator saw offered, so that its reports can say it (notes/scoring.md §4). */
export interface SeenOffers {
  /** Looks at what stands now; called every few seconds. */
  look(): void
  /**
   * The offer of a device that was live at a moment, or not long before; null when none was. Undefined while this node
   * has not looked for long enough to know.
   */
  of(miner: string, device: string, atMs: number): ToldOffer | null | undefined
}

/**
 * An offer that was live within this time counts: a device that somebody reserves or leases is taken off the offers at
 * once, and takes part in slots as leased only later, or never when nothing is paid.
 */
const GRACE_MS = { local: secondsMs(60), test: minutesMs(30), finney: minutesMs(30) } as const

export interface SeenOffersNeeds {
  readonly net: Network
  readonly nowMs: NowMs
  /** Offers that stand now. */
  readonly standing: () => readonly Signed<Offer>[]
}

export function createSeenOffers({ net, nowMs, standing }: SeenOffersNeeds): SeenOffers {
  const graceMs = GRACE_MS[net.network]
  const seen = new Map<string, ToldOffer>()
  const sinceMs = nowMs()

  function forget(): void {
    for (const [key, { atMs }] of seen) if (atMs < nowMs() - 2 * graceMs) seen.delete(key)
  }

  /** Of several live offers of a device the cheapest is what it is to be had for. */
  function keep(record: Signed<Offer>, atMs: number): void {
    const { peerId, devices, taken } = record.payload
    if (taken === true) return // to wait for, not to be had
    const price = priceOf(record.payload)
    if (price === undefined) return
    const told = { id: offerId(net, record), asset: record.payload.asset, price, atMs }
    for (const { id } of devices) {
      const before = seen.get(`${peerId}/${id}`)
      const isCheaper = before?.atMs === atMs && BigInt(before.price) <= BigInt(price)
      if (!isCheaper) seen.set(`${peerId}/${id}`, told)
    }
  }

  return {
    look() {
      const atMs = nowMs()
      for (const record of standing()) keep(record, atMs)
      forget()
    },
    of(miner, device, atMs) {
      const told = seen.get(`${miner}/${device}`)
      if (told !== undefined && told.atMs >= atMs - graceMs) return told
      return sinceMs <= atMs - graceMs ? null : undefined
    },
  }
}

/** What one of an offer's devices costs an hour, in base units; undefined in an asset that is not known here. */
function priceOf({ dph, asset, devices }: Offer): string | undefined {
  if (ASSET_DECIMALS[asset] === undefined) return undefined
  try {
    return (parseAmount(dph, asset) / BigInt(devices.length)).toString()
  } catch {
    return undefined // finer than the asset has: no price that anybody could pay
  }
}
