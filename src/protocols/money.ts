import { NodeError } from '../errors.ts'

/** Decimal places of each asset; amounts inside the program are whole base units. */
export const ASSET_DECIMALS: Readonly<Record<string, number>> = { DEV: 6, TAO: 9, XMR: 12, SUI: 9 }

/** Whether amounts of it are known here. */
export const isAsset = (asset: string): boolean => Object.hasOwn(ASSET_DECIMALS, asset)

const decimalsOf = (asset: string): number => {
  const decimals = ASSET_DECIMALS[asset]
  if (decimals === undefined) {
    throw new NodeError('BAD_MESSAGE', `asset ${asset} is not known here`, {
      next: `use one of ${Object.keys(ASSET_DECIMALS).join(', ')}`,
    })
  }
  return decimals
}

/** A decimal amount as base units; BAD_MESSAGE for more decimals than the asset has, which would silently round. */
export function parseAmount(amount: string, asset: string): bigint {
  const decimals = decimalsOf(asset)
  const match = /^(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?$/.exec(amount)
  const fraction = (match?.[2] ?? '').replace(/0+$/, '')
  if (match === null || fraction.length > decimals) {
    throw new NodeError(
      'BAD_MESSAGE',
      `${amount} is no amount of ${asset}: at most ${decimals} decimals`,
    )
  }
  return BigInt(match[1]!) * 10n ** BigInt(decimals) + BigInt(fraction.padEnd(decimals, '0'))
}

/** Base units as a decimal amount without trailing zeros, e.g. `0.25`. */
export function formatAmount(units: bigint, asset: string): string {
  const decimals = decimalsOf(asset)
  const digits = units.toString().padStart(decimals + 1, '0')
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`.replace(/\.?0+$/, '')
}

const HOUR_MS = 3_600_000n

/** What `ms` cost: floor(price per hour × ms / 3,600,000). Taken of the total, so it never drifts. */
export const owed = (pricePerHour: bigint, ms: number): bigint =>
  (pricePerHour * BigInt(ms)) / HOUR_MS

/** The most `ms` can cost: the same, rounded up. */
export const costCap = (pricePerHour: bigint, ms: number): bigint =>
  (pricePerHour * BigInt(ms) + HOUR_MS - 1n) / HOUR_MS
