import type { Chain } from '../../chain/chain.ts'
import type { PaidCall } from '../../chain/chain-accounts.ts'
import { loadColdkey, loadHotkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao, parseTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { type JoinCost, joinSubnet } from '../subnet-member.ts'
import { walletPlace } from '../wallet-place.ts'
import { isEmbedded, withChain } from '../with-chain.ts'
import { askingPasswords } from './ask-password.ts'
import type { Run } from './command.ts'
import { askConsent } from './consent.ts'
import { spendingQuestion } from './spending.ts'

/** Registers the wallet's hotkey in the subnet and stakes on it; doing it again changes nothing. */
export const chainRegister: Run = async (context) => {
  const { config, terminal } = context
  const place = walletPlace(config)
  const passwords = askingPasswords(context)
  const hotkey = await loadHotkey(place, passwords)
  const coldkey = await loadColdkey(place, passwords)
  const staked = config.stake.at(-1) ?? '0'
  const stakeRao = parseTao(staked)
  if (stakeRao === undefined)
    throw new NodeError('BAD_CONFIG_VALUE', `--stake: ${staked} is no amount of TAO`, {
      next: 'write TAO such as --stake 1000',
    })
  return withChain(context, async (open) => {
    const { chain, net } = open
    const embedded = await isEmbedded(open)
    const agree = async (cost: JoinCost): Promise<void> => {
      if (embedded) return
      const payer = coldkey.address
      const [balanceRao, feeRao] = await Promise.all([
        chain.balance(payer),
        feeOf(chain, payer, net.netuid, hotkey.address, cost),
      ])
      const costRao = cost.burnRao + cost.stakeRao
      const spending = { does: doingOf(cost), payer, balanceRao, costRao, feeRao }
      await askConsent(context, spendingQuestion(spending))
    }
    const needs = { chain, netuid: net.netuid, coldkey, hotkey, stakeRao, embedded, agree }
    const { neuron, registered, stakedRao } = await joinSubnet({
      ...needs,
      onStep: createOutput(terminal, config).progress,
    })
    const { uid, stake } = neuron
    const result = { uid, hotkey: hotkey.address, registered, stake: formatTao(stake) }
    createOutput(terminal, config).value(
      result,
      () =>
        [
          `${hotkey.address} ${registered ? 'is now' : 'was already'} uid ${uid} of subnet ${net.netuid}`,
          `  stake      ${result.stake}${stakedRao > 0n ? ` (${formatTao(stakedRao)} TAO added)` : ''}`,
        ].join('\n'),
      String(uid),
    )
    return 0
  })
}

function doingOf({ burnRao, stakeRao }: JoinCost): string {
  const burns = burnRao > 0n ? [`burns ${formatTao(burnRao)} TAO`] : []
  const stakes = stakeRao > 0n ? [`stakes ${formatTao(stakeRao)} TAO`] : []
  return [...burns, ...stakes].join(' and ')
}

/** The fees of the one or two transactions of joining. */
async function feeOf(
  chain: Chain,
  payer: string,
  netuid: number,
  hotkey: string,
  { burnRao, stakeRao }: JoinCost,
): Promise<bigint> {
  const burns: PaidCall[] = burnRao > 0n ? [{ kind: 'register', netuid, hotkey }] : []
  const stakes: PaidCall[] = stakeRao > 0n ? [{ kind: 'stake', netuid, hotkey, rao: stakeRao }] : []
  const fees = await Promise.all([...burns, ...stakes].map((call) => chain.fee(payer, call)))
  return fees.reduce((sum, fee) => sum + fee, 0n)
}
