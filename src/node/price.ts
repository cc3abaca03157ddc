/** What a whole machine costs. */
export interface Price {
  /** Decimal, per hour, for all its devices. */
  readonly perHour: string
  /** The same while its devices prove nothing; undefined: not for sale. */
  readonly exclusivePerHour?: string | undefined
  /** E.g. `DEV`. */
  readonly asset: string
}

const PLACES = 18

/** The price of `part` of `whole` devices, rounded up to six places (those of the devnet's asset). */
export function shareOf(perHour: string, part: number, whole: number): string {
  const [integral = '0', fraction = ''] = perHour.split('.')
  const exact = BigInt(integral + fraction.padEnd(PLACES, '0')) * BigInt(part)
  const unit = 10n ** 12n
  const steps = exact / BigInt(whole)
  const rounded = ((steps + unit - 1n) / unit) * unit
  const text = rounded.toString().padStart(PLACES + 1, '0')
  const decimals = text.slice(-PLACES).replace(/0+$/, '')
  return `${text.slice(0, -PLACES)}${decimals === '' ? '' : `.${decimals}`}`
}
