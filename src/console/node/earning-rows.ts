/** What a hotkey got in one epoch, of `GET /v1/earnings`; amounts are alpha base units as decimal text. */
export type Earning =
  | {
      readonly state: 'read'
      readonly epoch: number
      readonly block: number
      readonly emission: string
      readonly incentive: number
      readonly dividends: number
      readonly stake: string
    }
  | { readonly state: 'unregistered'; readonly epoch: number; readonly block: number }
  | { readonly state: 'discarded'; readonly epoch: number; readonly block: number | null }

const DECIMALS = 9

/** Alpha base units as a decimal amount. */
export function alphaText(base: string): string {
  const digits = base.padStart(DECIMALS + 1, '0')
  const part = digits.slice(-DECIMALS).replace(/0+$/, '')
  const whole = digits.slice(0, -DECIMALS)
  return part === '' ? whole : `${whole}.${part}`
}

/** Each answered text as an epoch, oldest first; what a later version writes differently is left out. */
export function earningsOf(texts: readonly string[]): readonly Earning[] {
  return texts
    .map((text) => JSON.parse(text) as Earning)
    .filter(({ state }) => ['read', 'unregistered', 'discarded'].includes(state))
    .toSorted((a, b) => a.epoch - b.epoch)
}

/** What was got in an epoch, in whole alpha; null where nothing was read. */
export const alphaOf = (earning: Earning): number | null =>
  earning.state === 'read' ? Number(earning.emission) / 10 ** DECIMALS : null

/** All of it, base units as decimal text. */
export const sumOf = (earnings: readonly Earning[]): string =>
  String(
    earnings.reduce((sum, one) => sum + (one.state === 'read' ? BigInt(one.emission) : 0n), 0n),
  )
