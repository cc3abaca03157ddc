import { describeKey, keyPath } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao } from '../format-tao.ts'
import { createOutput, renderTable } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import type { CommandContext, Run } from './command.ts'

/** What `chain balance --json` prints; amounts are decimal text. */
export interface BalanceResult {
  readonly address: string
  readonly free: string
  readonly reserved: string
  readonly hotkeys: readonly StakedHotkey[]
}

interface StakedHotkey {
  readonly uid: number
  readonly hotkey: string
  readonly stake: string
}

/** Shows an account's balance, and the stake on the hotkeys that it registered in the subnet. */
export const chainBalance: Run = async (context) => {
  const address = await accountOf(context)
  return withChain(context, async ({ chain, net }) => {
    const [funds, { neurons }] = await Promise.all([
      chain.funds(address),
      chain.metagraph(net.netuid),
    ])
    const result: BalanceResult = {
      address,
      free: formatTao(funds.freeRao),
      reserved: formatTao(funds.reservedRao),
      hotkeys: neurons
        .filter(({ coldkey }) => coldkey === address)
        .map(({ uid, hotkey, stake }) => ({ uid, hotkey, stake: formatTao(stake) })),
    }
    const { config, terminal } = context
    createOutput(terminal, config).value(result, () => textOf(result, net.netuid), result.free)
    return 0
  })
}

async function accountOf({ config, args }: CommandContext): Promise<string> {
  if (args[0] !== undefined) return addressOf(args[0])
  const path = keyPath(walletPlace(config), 'coldkey')
  const { address } = await describeKey(path)
  if (address !== null) return address
  throw new NodeError('BAD_CONFIG_WALLET', `there is no ${path}, nor its public part`, {
    next: 'name an address, or another --wallet.name',
  })
}

function textOf({ address, free, reserved, hotkeys }: BalanceResult, netuid: number): string {
  const funds = [address, `  free       ${free} TAO`, `  reserved   ${reserved} TAO`]
  if (hotkeys.length === 0) return [...funds, `no hotkeys in subnet ${netuid}`].join('\n')
  const table = renderTable(hotkeys, [
    { title: 'UID', value: ({ uid }) => uid, align: 'right' },
    { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
    { title: 'STAKE ON IT', value: ({ stake }) => stake, align: 'right' },
  ])
  return [...funds, ...table].join('\n')
}
