import {
  type AccountBalance,
  accountBalances,
  accountsOf,
  type StakedHotkey,
} from '../account-balance.ts'
import { createOutput, renderTable } from '../output.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'
import { csvText } from './csv-text.ts'

/** Shows what accounts hold, free and staked: of the wallet's coldkey, or of each address named. */
export const chainBalance: Run = async (context) => {
  const addresses = await accountsOf(context.config, context.args)
  return withChain(context, async (open) => {
    const items = await accountBalances(open, addresses)
    const { config, terminal } = context
    if (config.csv) terminal.stdout.write(csvText(CSV, items.flatMap(csvRows)))
    else {
      const text = () => items.map((one) => textOf(one, open.net.netuid)).join('\n\n')
      const free = items.map((one) => one.free).join('\n')
      createOutput(terminal, config).value({ items }, text, free)
    }
    return 0
  })
}

function textOf({ address, free, reserved, hotkeys }: AccountBalance, netuid: number): string {
  const funds = [address, `  free       ${free} TAO`, `  reserved   ${reserved} TAO`]
  if (hotkeys.length === 0) return [...funds, `no hotkeys in subnet ${netuid}`].join('\n')
  const table = renderTable(hotkeys, [
    { title: 'UID', value: ({ uid }) => uid, align: 'right' },
    { title: 'HOTKEY', value: ({ hotkey }) => hotkey },
    { title: 'OWN', value: ({ owned }) => (owned ? 'yes' : 'no') },
    { title: 'STAKED ON IT', value: ({ own }) => own, align: 'right' },
    { title: 'BY ALL', value: ({ stake }) => stake, align: 'right' },
  ])
  return [...funds, ...table].join('\n')
}

/** A line for the account and one for each hotkey. */
interface CsvRow {
  readonly account: AccountBalance
  readonly staked?: StakedHotkey
}

const csvRows = (account: AccountBalance): CsvRow[] => [
  { account },
  ...account.hotkeys.map((staked) => ({ account, staked })),
]

const yesOrNo = (value: boolean | undefined): string | null =>
  value === undefined ? null : value ? 'yes' : 'no'

const CSV = {
  address: ({ account }: CsvRow) => account.address,
  free: ({ account, staked }: CsvRow) => (staked === undefined ? account.free : null),
  reserved: ({ account, staked }: CsvRow) => (staked === undefined ? account.reserved : null),
  uid: ({ staked }: CsvRow) => staked?.uid ?? null,
  hotkey: ({ staked }: CsvRow) => staked?.hotkey ?? null,
  owned: ({ staked }: CsvRow) => yesOrNo(staked?.owned),
  own: ({ staked }: CsvRow) => staked?.own ?? null,
  stake: ({ staked }: CsvRow) => staked?.stake ?? null,
}
