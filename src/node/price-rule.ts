/** How a price follows what is used: one step per window. */
export interface PriceRule {
  /** Decimals per hour, for the whole machine. */
  readonly floor: string
  readonly ceiling: string
  readonly stepPercent: number
}

/** Prices are whole millionths, as the devnet's asset has them. */
const PLACES = 6

/** Above it the price goes up, below it down; in between it stays, so that it does not swing. */
export const BUSY_SHARE = 0.75
export const IDLE_SHARE = 0.25

/**
 * The price after a window in which `usedShare` (0 to 1) of the devices' time was let: a step up or down, within floor
 * and ceiling. All prices are decimals per hour.
 */
export function nextPrice(price: string, usedShare: number, rule: PriceRule): string {
  const now = micros(price)
  const step = (now * BigInt(Math.round(rule.stepPercent * 100))) / 10_000n
  const least = step > 0n ? step : 1n
  const wanted = usedShare >= BUSY_SHARE ? now + least : usedShare <= IDLE_SHARE ? now - least : now
  return decimal(within(wanted, micros(rule.floor), micros(rule.ceiling)))
}

/** A price brought between floor and ceiling, where there are any. */
export function boundedPrice(price: string, floor: string | null, ceiling: string | null): string {
  const now = micros(price)
  return decimal(
    within(now, floor === null ? 0n : micros(floor), ceiling === null ? MOST : micros(ceiling)),
  )
}

/** What another price of the same machine becomes when one moved from `from` to `to`, rounded up. */
export function scaledPrice(other: string, from: string, to: string): string {
  const base = micros(from)
  return base === 0n ? other : decimal((micros(other) * micros(to) + base - 1n) / base)
}

/** Which of two decimals is larger: negative, 0 or positive. */
export const comparePrices = (a: string, b: string): number => Number(micros(a) - micros(b))

/** More than any price. */
const MOST = 10n ** 30n

const within = (value: bigint, least: bigint, most: bigint): bigint =>
  value < least ? least : value > most ? most : value

function micros(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(PLACES, '0').slice(0, PLACES))
}

function decimal(value: bigint): string {
  const digits = value.toString().padStart(PLACES + 1, '0')
  const fraction = digits.slice(-PLACES).replace(/0+$/, '')
  return `${digits.slice(0, -PLACES)}${fraction === '' ? '' : `.${fraction}`}`
}
