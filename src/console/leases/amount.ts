/** Finer than any asset's base unit. */
const PLACES = 18
const SCALE = 10n ** BigInt(PLACES)
const HOUR_MS = 3_600_000

/** A decimal as a whole number of 10⁻¹⁸. */
function unitsOf(amount: string): bigint {
  const [whole = '0', part = ''] = amount.split('.')
  return BigInt(whole) * SCALE + BigInt(part.slice(0, PLACES).padEnd(PLACES, '0'))
}

function textOf(units: bigint): string {
  const sign = units < 0n ? '-' : ''
  const all = (units < 0n ? -units : units).toString().padStart(PLACES + 1, '0')
  const part = all.slice(-PLACES).replace(/0+$/, '')
  return `${sign}${all.slice(0, -PLACES)}${part === '' ? '' : `.${part}`}`
}

/** What a price per hour comes to in that time, both exact; rounded up at the 18th digit. */
export function costOf(perHour: string, ms: number): string {
  const hours = BigInt(HOUR_MS)
  return textOf((unitsOf(perHour) * BigInt(Math.max(0, Math.round(ms))) + hours - 1n) / hours)
}

/** A share of a price, e.g. two of eight devices. */
export const shareOf = (amount: string, count: number, of: number): string =>
  textOf((unitsOf(amount) * BigInt(count) + BigInt(of) - 1n) / BigInt(of))

/** Decimals added up. */
export const sumOf = (amounts: readonly string[]): string =>
  textOf(amounts.reduce((sum, one) => sum + unitsOf(one), 0n))

/** What is left of a decimal. */
export const differenceOf = (amount: string, taken: string): string =>
  textOf(unitsOf(amount) - unitsOf(taken))

/** Whether a text is a decimal that can be sent. */
export const isAmount = (text: string): boolean => /^\d{1,20}(\.\d{1,18})?$/.test(text)
