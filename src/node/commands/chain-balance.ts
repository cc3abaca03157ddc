import type { Metagraph } from '../../chain/metagraph.ts'
import { describeKey, keyPath } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { formatTao } from '../format-tao.ts'
import { createOutput, renderTable } from '../output.ts'
import { walletPlace } from '../wallet-place.ts'
import { type OpenChain, withChain } from '../with-chain.ts'
import { addressOf } from './address-of.ts'
import type { CommandContext, Run } from './command.ts'
import { csvText } from './csv-text.ts'

/** What one account holds, as `chain balance --json` prints it; amounts are decimal text. */
export interface AccountBalance {
  readonly address: string
  readonly free: string
  readonly reserved: string
  /** Its hotkeys in the subnet, and all others that it staked on there. */
  readonly hotkeys: readonly StakedHotkey[]
}

interface StakedHotkey {
  /** Null for a hotkey that is not registered in the subnet. */
  readonly uid: number | null
  readonly hotkey: string
  /** Whether this account registered it. */
  readonly owned: boolean
  /** Alpha on it, whoever staked it. */
  readonly stake: string
  /** What of that is this account's. */
  readonly own: string
}

/** Shows what accounts hold, free and staked: of the wallet's coldkey, or of each address named. */
export const chainBalance: Run = async (context) => {
  const addresses = await accountsOf(context)
  return withChain(context, async (open) => {
    const metagraph = await open.chain.metagraph(open.net.netuid)
    const read = addresses.map((address) => readAccount(open, address, metagraph))
    const items = await Promise.all(read)
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

async function readAccount(
  { chain }: OpenChain,
  address: string,
  { netuid, block, neurons }: Metagraph,
): Promise<AccountBalance> {
  const [funds, stakes] = await Promise.all([
    chain.funds(address),
    chain.stakesOf(netuid, address, block),
  ])
  const own = (hotkey: string): string => formatTao(stakes.get(hotkey) ?? 0n)
  const registered = neurons
    .filter(({ coldkey, hotkey }) => coldkey === address || stakes.has(hotkey))
    .map(({ uid, hotkey, coldkey, stake }): StakedHotkey => {
      const owned = coldkey === address
      return { uid, hotkey, owned, stake: formatTao(stake), own: own(hotkey) }
    })
  const elsewhere = [...stakes.keys()].filter(
    (one) => !neurons.some(({ hotkey }) => hotkey === one),
  )
  const strangers = elsewhere.map(async (hotkey): Promise<StakedHotkey> => {
    const { owner, stake } = await chain.delegation(netuid, hotkey, block.number)
    return {
      uid: null,
      hotkey,
      owned: owner === address,
      stake: formatTao(stake),
      own: own(hotkey),
    }
  })
  return {
    address,
    free: formatTao(funds.freeRao),
    reserved: formatTao(funds.reservedRao),
    hotkeys: [...registered, ...(await Promise.all(strangers))],
  }
}

async function accountsOf({ config, args }: CommandContext): Promise<readonly string[]> {
  if (args.length > 0) return [...new Set(args.map(addressOf))]
  const path = keyPath(walletPlace(config), 'coldkey')
  const { address } = await describeKey(path)
  if (address !== null) return [address]
  throw new NodeError('BAD_CONFIG_WALLET', `there is no ${path}, nor its public part`, {
    next: 'name an address, or another --wallet.name',
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
