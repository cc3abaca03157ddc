import { moneyText } from './format.ts'

export interface MoneyProps {
  /** Decimal string in whole units of the asset. */
  readonly amount: string
  readonly asset: string
  /** What it is for, e.g. `/h`. */
  readonly per?: string
}

/** An amount with its asset; its whole precision on hover. */
export function Money({ amount, asset, per = '' }: MoneyProps) {
  return (
    <span className="num" title={`${amount} ${asset}${per}`}>
      {moneyText(amount)} <span className="faint">{`${asset}${per}`}</span>
    </span>
  )
}
