import type { Metagraph } from '../chain/metagraph.ts'
import { describeKey, keyPath } from '../chain/wallet.ts'
import { NodeError } from '../errors.ts'
import { addressOf } from './commands/address-of.ts'
import type { Config } from './config.ts'
import { formatTao } from './format-tao.ts'
import { walletPlace } from './wallet-place.ts'
import type { OpenChain } from './with-chain.ts'

/** What one account holds, as `chain balance --json` prints it; amounts are decimal text. */
export interface AccountBalance {
  readonly address: string
  readonly free: string
  readonly reserved: string
  /** Its hotkeys in the subnet, and all others that it staked on there. */
  readonly hotkeys: readonly StakedHotkey[]
}

/** One hotkey that an account has staked on, or owns. */
export interface StakedHotkey {
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

/** What accounts hold at the newest final block. */
export async function accountBalances(
  open: OpenChain,
  addresses: readonly string[],
): Promise<AccountBalance[]> {
  const metagraph = await open.chain.metagraph(open.net.netuid)
  return Promise.all(addresses.map((address) => readAccount(open, address, metagraph)))
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

/** The accounts that are named, checked, or that of the wallet's coldkey; BAD_CONFIG_WALLET without either. */
export async function accountsOf(
  config: Config,
  named: readonly string[],
): Promise<readonly string[]> {
  if (named.length > 0) return [...new Set(named.map(addressOf))]
  const path = keyPath(walletPlace(config), 'coldkey')
  const { address } = await describeKey(path)
  if (address !== null) return [address]
  throw new NodeError('BAD_CONFIG_WALLET', `there is no ${path}, nor its public part`, {
    next: 'name an address, or another --wallet.name',
  })
}
