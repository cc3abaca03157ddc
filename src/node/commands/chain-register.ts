import { createInterface } from 'node:readline/promises'
import { loadColdkey, loadHotkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao, parseTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { type JoinCost, joinSubnet } from '../subnet-member.ts'
import { walletPlace } from '../wallet-place.ts'
import { isEmbedded, withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'

/** Registers the wallet's hotkey in the subnet and stakes on it; doing it again changes nothing. */
export const chainRegister: Run = async (context) => {
  const { config, terminal } = context
  const place = walletPlace(config)
  const [coldkey, hotkey] = [await loadColdkey(place), await loadHotkey(place)]
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
      if (!embedded && !config.yes) await ask(context, coldkey.address, cost)
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

/** Real money asks first: at a terminal a question, elsewhere only with --yes. */
async function ask(
  { terminal, signal }: CommandContext,
  coldkey: string,
  { burnRao, stakeRao }: JoinCost,
): Promise<void> {
  const staked = stakeRao > 0n ? ` and stakes ${formatTao(stakeRao)} TAO` : ''
  const cost = `This burns ${formatTao(burnRao)} TAO${staked} of ${coldkey}.`
  if (terminal.stdin.isTTY !== true) {
    throw new NodeError('BAD_CONFIG_CONSENT', cost, { next: 'add --yes to agree' })
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    const answer = await lines.question(`${cost} Go on? [y/N] `, { signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } finally {
    lines.close()
  }
  throw new NodeError('REFUSED_CONSENT', 'nothing was sent')
}
