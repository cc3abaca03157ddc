const DECIMALS = 9

/** Rao (or alpha base units) as decimal text without trailing zeros, e.g. `999.5`. */
export function formatTao(rao: bigint): string {
  const digits = rao.toString().padStart(DECIMALS + 1, '0')
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '')
  return fraction === '' ? digits.slice(0, -DECIMALS) : `${digits.slice(0, -DECIMALS)}.${fraction}`
}

/** Decimal text as rao; undefined for anything but a plain number with at most 9 places. */
export function parseTao(text: string): bigint | undefined {
  const match = /^(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,9}))?$/.exec(text)
  if (match === null) return undefined
  return BigInt(match[1]! + (match[2] ?? '').padEnd(DECIMALS, '0'))
}
