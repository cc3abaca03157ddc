import { ASSET_DECIMALS } from '../../protocols/money.ts'
import { decides, stakeOf, stakeThat, type Word } from './agree.ts'
import type { ScoringConstants } from './constants.ts'
import type { ReasonCode } from './reason-codes.ts'
import type { SeenOffer } from './slot-outcome.ts'

type OfferFault = Extract<ReasonCode, 'NO_OFFER' | 'OFFER_TOO_DEAR'>

/** The most that a rated unit may cost an hour, by asset, in the asset's whole units. */
export const capsOf = (c: ScoringConstants): Readonly<Record<string, number>> => ({
  DEV: c.PRICE_CAP_DEV,
  TAO: c.PRICE_CAP_TAO,
  XMR: c.PRICE_CAP_XMR,
  SUI: c.PRICE_CAP_SUI,
})

/**
 * Why an idle GPU earns nothing in a slot although it proved (notes/scoring.md §4): more than KAPPA of active stake saw
 * no live offer of it, or one above PRICE_CAP for its rated units, taken together; the commoner names it. Who tells
 * nothing of offers has no say.
 */
export function offerFault(
  seen: readonly Word<SeenOffer | null>[],
  ratedUnits: number,
  active: bigint,
  c: ScoringConstants,
): OfferFault | undefined {
  const faults = seen.flatMap(({ value, stake }) => {
    const fault = faultOf(value, ratedUnits, c)
    return fault === undefined ? [] : [{ stake, value: fault }]
  })
  if (!decides(stakeOf(faults), active, c.KAPPA)) return undefined
  const dear = stakeThat(faults, (fault) => fault === 'OFFER_TOO_DEAR')
  return dear * 2n > stakeOf(faults) ? 'OFFER_TOO_DEAR' : 'NO_OFFER'
}

/** A price in an asset that no cap is known of is no price anybody could compare. */
function faultOf(
  offer: SeenOffer | null,
  ratedUnits: number,
  c: ScoringConstants,
): OfferFault | undefined {
  const decimals = offer === null ? undefined : ASSET_DECIMALS[offer.asset]
  const cap = offer === null ? undefined : capsOf(c)[offer.asset]
  if (offer === null || decimals === undefined || cap === undefined) return 'NO_OFFER'
  const perHour = Number(offer.price) / 10 ** decimals
  return perHour > cap * ratedUnits ? 'OFFER_TOO_DEAR' : undefined
}
