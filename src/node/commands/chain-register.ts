import { loadColdkey, loadHotkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao, parseTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { joinSubnet } from '../subnet-member.ts'
import { walletPlace } from '../wallet-place.ts'
import { isEmbedded, withChain } from '../with-chain.ts'
import type { Run } from './command.ts'

/** Registers the wallet's hotkey in the subnet and stakes on it; doing it again changes nothing. */
export const chainRegister: Run = async (context) => {
  const { config, terminal } = context
  const place = walletPlace(config)
  const [coldkey, hotkey] = [await loadColdkey(place), await loadHotkey(place)]
  const stakeRao = parseTao(config.stake)
  if (stakeRao === undefined)
    throw new NodeError('BAD_CONFIG_VALUE', `--stake: ${config.stake} is no amount of TAO`)
  return withChain(context, async (open) => {
    const { chain, net } = open
    const embedded = await isEmbedded(open)
    const needs = { chain, netuid: net.netuid, coldkey, hotkey, stakeRao, embedded }
    const { neuron, registered, stakedRao } = await joinSubnet(needs)
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
