import { loadColdkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao, parseTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import { askingPasswords } from './ask-password.ts'
import type { Run } from './command.ts'
import { askConsent } from './consent.ts'
import { spendingQuestion } from './spending.ts'

/** What `chain transfer --json` prints; amounts are decimal text. */
export interface TransferResult {
  readonly from: string
  readonly to: string
  readonly amount: string
  readonly block: number
  readonly blockHash: string
  readonly left: string
}

/** Sends TAO and waits for the final block; the sender keeps what an account must hold to exist. Always asks first. */
export const chainTransfer: Run = async (context) => {
  const { config, terminal, args } = context
  const to = addressOf(args[0]!)
  const rao = amountOf(args[1]!)
  const coldkey = await loadColdkey(walletPlace(config), askingPasswords(context))
  const from = coldkey.address
  if (from === to) throw new NodeError('BAD_CONFIG_VALUE', `${to} is the sender itself`)
  return withChain(context, async ({ chain }) => {
    const [balanceRao, feeRao] = await Promise.all([
      chain.balance(from),
      chain.fee(from, { kind: 'transfer', to, rao }),
    ])
    const does = `sends ${formatTao(rao)} TAO to ${to}`
    const spending = { does, payer: from, balanceRao, costRao: rao, feeRao }
    await askConsent(context, spendingQuestion(spending))
    const { block } = await chain.transfer(coldkey, to, rao)
    const result: TransferResult = {
      from,
      to,
      amount: formatTao(rao),
      block: block.number,
      blockHash: block.hash,
      left: formatTao(await chain.balance(from)),
    }
    const say = (): string =>
      `sent ${result.amount} TAO to ${to} in block ${result.block}; ${result.left} TAO left`
    createOutput(terminal, config).value(result, say, result.blockHash)
    return 0
  })
}

function amountOf(text: string): bigint {
  const rao = parseTao(text)
  if (rao !== undefined && rao > 0n) return rao
  throw new NodeError('BAD_CONFIG_VALUE', `${text} is no amount of TAO`, {
    next: 'a decimal number with at most 9 places, e.g. 1.5',
  })
}
