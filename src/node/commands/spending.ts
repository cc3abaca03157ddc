import { NodeError } from '../../errors.ts'
import { formatTao } from '../format-tao.ts'
import type { Question } from './consent.ts'

/** What a command is about to take from an account. */
export interface Spending {
  /** What it does, e.g. `burns 0.1 TAO and stakes 5 TAO`. */
  readonly does: string
  /** SS58 of who pays. */
  readonly payer: string
  /** Free rao of the payer before. */
  readonly balanceRao: bigint
  /** Rao it takes, without fees. */
  readonly costRao: bigint
  /** What the runtime expects to take besides, in rao. */
  readonly feeRao: bigint
}

/**
 * The question before real money is spent: what, of whom, what is left.
 * @throws REFUSED_BALANCE when the account does not hold that much
 */
export function spendingQuestion({ does, payer, balanceRao, costRao, feeRao }: Spending): Question {
  const left = balanceRao - costRao - feeRao
  if (left < 0n) {
    throw new NodeError(
      'REFUSED_BALANCE',
      `this ${does} for a fee of ${formatTao(feeRao)}, and ${payer} holds ${formatTao(balanceRao)} TAO`,
      { next: `send at least ${formatTao(-left)} TAO to ${payer}` },
    )
  }
  return {
    what: `This ${does} of ${payer} for a fee of about ${formatTao(feeRao)}, and leaves ${formatTao(left)} TAO there.`,
    declined: 'nothing was sent',
  }
}
