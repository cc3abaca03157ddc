import { type DelegateRow, delegateRows, type NominatorRow, oneDelegate } from '../delegate-rows.ts'
import { createOutput } from '../output.ts'
import { recordedShares } from '../recorded-earnings.ts'
import { type OpenChain, withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import type { CommandContext, Run } from './command.ts'
import { counted } from './counted.ts'
import { csvText } from './csv-text.ts'

/** Lists who may be staked on, or who staked on one hotkey and what the last epoch gave them. */
export const chainDelegates: Run = (context) =>
  withChain(context, async (open) => {
    const hotkey = context.args[0]
    return hotkey === undefined ? showAll(context, open) : showOne(context, open, addressOf(hotkey))
  })

async function showAll({ config, terminal }: CommandContext, open: OpenChain): Promise<number> {
  const rows = await delegateRows(open)
  if (config.csv) {
    terminal.stdout.write(csvText(ALL_CSV, rows))
    return 0
  }
  createOutput(terminal, config).list(rows, {
    id: ({ hotkey }) => hotkey,
    none: `nobody staked on a hotkey of subnet ${open.net.netuid}`,
    columns: [
      { title: 'UID', value: ({ uid }) => uid, align: 'right' },
      { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
      { title: 'STAKE', value: ({ stake }) => stake, align: 'right' },
      { title: 'TAKE', value: ({ take }) => `${take} %`, align: 'right' },
      { title: 'NOMINATORS', value: ({ nominators }) => nominators, align: 'right' },
      { title: 'SHARED LAST EPOCH', value: ({ shared }) => shared, align: 'right' },
      { title: 'OWNER', value: ({ owner }) => owner, shrinks: true },
    ],
  })
  return 0
}

async function showOne(
  { config, terminal, signal }: CommandContext,
  open: OpenChain,
  hotkey: string,
): Promise<number> {
  const one = await oneDelegate(open, hotkey, async (range) =>
    recordedShares(config, range, signal),
  )
  const { items } = one
  if (config.csv) {
    terminal.stdout.write(csvText(ONE_CSV, items))
    return 0
  }
  const out = createOutput(terminal, config)
  if (config.json) {
    out.value(one, () => '')
    return 0
  }
  out.list(items, {
    id: ({ coldkey }) => coldkey,
    none: 'nobody staked on it',
    columns: [
      { title: 'COLDKEY', value: ({ coldkey }) => coldkey },
      { title: 'OWNER', value: ({ owner }) => (owner ? 'yes' : '') },
      { title: 'STAKE', value: ({ stake }) => stake, align: 'right' },
      { title: 'SHARE', value: ({ share }) => `${share} %`, align: 'right' },
      { title: 'EARNED LAST EPOCH', value: ({ earned }) => earned, align: 'right' },
      { title: 'RECORDED', value: ({ recorded }) => recorded?.total, align: 'right' },
      { title: 'EPOCHS', value: ({ recorded }) => recorded?.epochs.length, align: 'right' },
    ],
  })
  const { take, stake, shared } = one
  const rest = shared === null ? '' : `, ${shared} alpha of the last epoch shared out after that`
  out.note(
    `${stake} alpha of ${counted(items.length, 'coldkey')}; the owner takes ${take} %${rest}`,
  )
  return 0
}

const ALL_CSV = {
  uid: ({ uid }: DelegateRow) => uid,
  hotkey: ({ hotkey }: DelegateRow) => hotkey,
  owner: ({ owner }: DelegateRow) => owner,
  take_percent: ({ take }: DelegateRow) => take,
  stake: ({ stake }: DelegateRow) => stake,
  nominators: ({ nominators }: DelegateRow) => nominators,
  shared: ({ shared }: DelegateRow) => shared,
}

const ONE_CSV = {
  coldkey: ({ coldkey }: NominatorRow) => coldkey,
  owner: ({ owner }: NominatorRow) => (owner ? 'yes' : 'no'),
  stake: ({ stake }: NominatorRow) => stake,
  share_percent: ({ share }: NominatorRow) => share,
  earned: ({ earned }: NominatorRow) => earned,
  recorded: ({ recorded }: NominatorRow) => recorded?.total ?? null,
  recorded_epochs: ({ recorded }: NominatorRow) => recorded?.epochs.length ?? null,
}
