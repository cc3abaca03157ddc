import { describeKey, keyPath } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import {
  type EarningRow,
  type EarningsTotal,
  earningRow,
  epochsToRead,
  type MergedEarnings,
  mergedEarnings,
  totalOf,
  wantedRange,
} from '../earning-rows.ts'
import { type Column, createOutput } from '../output.ts'
import { recordedEarnings } from '../recorded-earnings.ts'
import { walletPlace } from '../wallet-place.ts'
import { type OpenChain, withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import type { CommandContext, Run } from './command.ts'
import { counted } from './counted.ts'
import { csvText } from './csv-text.ts'

/** What `chain earnings --json` prints. */
export interface EarningsResult {
  readonly hotkey: string
  readonly items: readonly EarningRow[]
  readonly total: EarningsTotal
}

/** The most epochs of which a chain is asked for at once. */
const MOST_EPOCHS = 1000

/**
 * Lists what a hotkey got per epoch: what the node of this data folder wrote down, and what the chain still has of the
 * blocks at which the other epochs fired. What neither knows is said.
 */
export const chainEarnings: Run = async (context) => {
  const hotkey = await hotkeyOf(context)
  return withChain(context, async (open) => {
    const { config, terminal } = context
    const merged = await readMerged(context, open, hotkey)
    const items = merged.items.map(earningRow)
    const total = totalOf(merged)
    const out = createOutput(terminal, config)
    if (config.csv) terminal.stdout.write(csvText(CSV, items))
    else if (config.json) out.value({ hotkey, items, total } satisfies EarningsResult, () => '')
    else {
      const none = `subnet ${open.net.netuid} has had no such epoch yet`
      out.list(items, { id: ({ epoch }) => String(epoch), none, columns: columnsFor(items) })
      if (items.length > 0) out.note(totalText(total))
    }
    if (total.unknown > 0)
      out.note(
        `${counted(total.unknown, 'epoch')} unknown: this endpoint keeps no older state, and no node here wrote it down; an archive node has it, with --chain`,
      )
    return 0
  })
}

async function readMerged(
  { config, signal }: CommandContext,
  { chain, net }: OpenChain,
  hotkey: string,
): Promise<MergedEarnings> {
  const { index } = await chain.epoch(net.netuid)
  const named = { from: config.fromEpoch, to: config.toEpoch }
  const range = wantedRange(index, config.epochs, named)
  if (range.to < range.from) return { items: [], epochs: 0 }
  const recorded = (await recordedEarnings(config, { hotkey, ...range }, signal)) ?? []
  const asked = Math.min(MOST_EPOCHS, epochsToRead(range, index, recorded))
  const read = asked === 0 ? [] : await chain.earnings(net.netuid, hotkey, asked)
  return mergedEarnings(range, recorded, read, asked)
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

/** Incentive is shown by mechanism where a subnet has more than one. */
const incentiveText = ({ incentives }: EarningRow): string | null => incentives?.join('+') ?? null

function columnsFor(rows: readonly EarningRow[]): Column<EarningRow>[] {
  const several = rows.some(({ incentives }) => (incentives?.length ?? 0) > 1)
  const title = several ? 'INCENTIVE BY MECHANISM' : 'INCENTIVE'
  return [
    { title: 'EPOCH', value: ({ epoch }) => epoch, align: 'right' },
    { title: 'BLOCK', value: ({ block }) => block, align: 'right' },
    { title: 'UID', value: ({ uid }) => uid, align: 'right' },
    { title: 'EMISSION', value: ({ emission }) => emission, align: 'right' },
    { title, value: incentiveText, align: 'right' },
    { title: 'DIVIDENDS', value: ({ dividends }) => dividends, align: 'right' },
    { title: 'STAKE ON IT', value: ({ stake }) => stake, align: 'right' },
    { title: 'PRICE', value: ({ price }) => price, align: 'right' },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'FROM', value: ({ source }) => source },
  ]
}

function totalText({ epochs, read, emission, worth }: EarningsTotal): string {
  const value = worth === null ? '' : `, worth ${worth} TAO at the prices of their epochs`
  return `${emission} alpha in ${read} of ${counted(epochs, 'epoch')}${value}`
}

const CSV = {
  epoch: ({ epoch }: EarningRow) => epoch,
  block: ({ block }: EarningRow) => block,
  state: ({ state }: EarningRow) => state,
  uid: ({ uid }: EarningRow) => uid,
  emission: ({ emission }: EarningRow) => emission,
  incentive: incentiveText,
  dividends: ({ dividends }: EarningRow) => dividends,
  stake: ({ stake }: EarningRow) => stake,
  price: ({ price }: EarningRow) => price,
  source: ({ source }: EarningRow) => source,
}
