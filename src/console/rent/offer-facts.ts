import type { Offer } from '../../api/offers.ts'
import { costOf, shareOf } from '../leases/amount.ts'
import { hoursMs, type Wish } from './wish.ts'

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** Its devices for a person; several of a kind are counted. */
export function deviceNames({ devices }: Pick<Offer, 'devices'>): string {
  const counts = new Map<string, number>()
  for (const { name } of devices) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].map(([name, count]) => (count === 1 ? name : `${count} × ${name}`)).join(', ')
}

export interface Cost {
  readonly asset: string
  readonly perHour: string
  /** For the whole time: what is locked before it begins, and the most it can cost. */
  readonly deposit: string
}

/** What a wish would cost at an offer; undefined where the offer has no price for it. */
export function costAt(offer: Offer, { devices, exclusive, hours }: Wish): Cost | undefined {
  const dph = textOf(offer[exclusive ? 'exclusive_dph' : 'dph'])
  if (dph === undefined) return undefined
  const of = Math.max(1, offer.devices.length)
  const perHour = devices === 0 ? dph : shareOf(dph, devices, of)
  const ms = hoursMs(hours)
  const deposit = Number.isFinite(ms) && ms > 0 ? costOf(perHour, ms) : '0'
  return { asset: textOf(offer['asset']) ?? '', perHour, deposit }
}

/** The price without proofs, where there is one. */
export const exclusivePrice = (offer: Offer): string | undefined => textOf(offer['exclusive_dph'])

/** A number of the query language's fields. */
export const numberOf = (offer: Offer, field: string): number | undefined => {
  const value = offer[field]
  return typeof value === 'number' ? value : undefined
}
