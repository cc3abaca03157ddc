import type { EpochEarning } from '../../chain/chain.ts'
import { describeKey, keyPath } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao } from '../format-tao.ts'
import { createOutput } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import type { CommandContext, Run } from './command.ts'

/** One epoch as `chain earnings --json` prints it; figures are null where there are none to read. */
export interface EarningRow {
  readonly epoch: number
  readonly block: number | null
  readonly state: EpochEarning['state']
  readonly uid: number | null
  readonly emission: string | null
  readonly incentive: number | null
  readonly dividends: number | null
  readonly stake: string | null
}

/** Lists what a hotkey got per epoch: the chain's own figures, at the blocks at which the epochs fired. */
export const chainEarnings: Run = async (context) => {
  const hotkey = await hotkeyOf(context)
  return withChain(context, async ({ chain, net }) => {
    const { config, terminal } = context
    const earnings = await chain.earnings(net.netuid, hotkey, config.epochs)
    const rows = earnings.map(rowOf)
    if (config.csv) {
      terminal.stdout.write(csvOf(rows))
      return 0
    }
    const out = createOutput(terminal, config)
    out.list(rows, {
      id: ({ epoch }) => String(epoch),
      none: `subnet ${net.netuid} has had no epoch yet`,
      columns: [
        { title: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
        { title: 'BLOCK', value: ({ block }) => block, align: 'right' },
        { title: 'UID', value: ({ uid }) => uid, align: 'right' },
        { title: 'EMISSION', value: ({ emission }) => emission, align: 'right' },
        { title: 'INCENTIVE', value: ({ incentive }) => incentive, align: 'right' },
        { title: 'DIVIDENDS', value: ({ dividends }) => dividends, align: 'right' },
        { title: 'STAKE ON IT', value: ({ stake }) => stake, align: 'right' },
        { title: 'STATE', value: ({ state }) => state },
      ],
    })
    if (rows.some(({ state }) => state === 'discarded'))
      out.note('This endpoint keeps no older state: an archive node has it, with --chain.')
    return 0
  })
}

async function hotkeyOf({ config, args }: CommandContext): Promise<string> {
  if (args[0] !== undefined) return addressOf(args[0])
  const path = keyPath(walletPlace(config), 'hotkey')
  const { address } = await describeKey(path)
  if (address !== null) return address
  throw new NodeError('BAD_CONFIG_WALLET', `there is no ${path}, nor its public part`, {
    next: 'name a hotkey, or another --wallet.name or --wallet.hotkey',
  })
}

const NOTHING = { uid: null, emission: null, incentive: null, dividends: null, stake: null }

function rowOf(earning: EpochEarning): EarningRow {
  const { epoch, block, state } = earning
  if (earning.state !== 'read') return { epoch, block, state, ...NOTHING }
  const { uid, incentive, dividends } = earning
  const [emission, stake] = [formatTao(earning.emission), formatTao(earning.stake)]
  return { epoch, block, state, uid, emission, incentive, dividends, stake }
}

const CSV = [
  'epoch',
  'block',
  'state',
  'uid',
  'emission',
  'incentive',
  'dividends',
  'stake',
] as const

/** Numbers and words alone: nothing that would need quotes. */
const csvOf = (rows: readonly EarningRow[]): string =>
  [CSV.join(','), ...rows.map((row) => CSV.map((name) => row[name] ?? '').join(','))]
    .map((line) => `${line}\n`)
    .join('')
