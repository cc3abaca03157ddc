import { join } from 'node:path'
import type { Chain } from '../../chain/chain.ts'
import { DEV_ACCOUNT } from '../../chain/dev-account.ts'
import { createWallet, loadColdkey, loadHotkey, type Wallet } from '../../chain/wallet.ts'
import { codeOf } from '../../errors.ts'
import type { Network } from '../../protocols/network.ts'
import { bindPeer } from '../bind-peer.ts'
import type { Identity } from '../identity.ts'
import { readBinding } from '../own-binding.ts'
import type { Member } from './layout.ts'

const TAO = 1_000_000_000n
/** Enough to register, stake and pay fees. */
const FUNDS = 2_000n * TAO
const STAKE = 1_000n * TAO

export interface PrepareOptions {
  readonly chain: Chain
  readonly members: readonly Member[]
  readonly identities: ReadonlyMap<string, Identity>
  readonly net: Network
}

/** Where a member's wallet lies; relays and renters need none. */
export const walletPlace = ({ dataDir, name }: Member) => ({
  path: join(dataDir, 'wallets'),
  name,
  hotkey: 'default',
})

export const hasWallet = ({ role }: Member): boolean => role === 'miner' || role === 'validator'

/**
 * Gives every miner and validator what a real one must have: a funded coldkey, a registered hotkey (validators with
 * stake), and a PeerId bound to it. What an earlier run did is not done twice.
 */
export async function prepareChain(options: PrepareOptions): Promise<void> {
  const { chain, members, net } = options
  const { neurons } = await chain.metagraph(net.netuid)
  const registered = new Set(neurons.map(({ hotkey }) => hotkey))
  await Promise.all(members.filter(hasWallet).map((one) => prepare(one, registered, options)))
}

async function prepare(
  member: Member,
  registered: ReadonlySet<string>,
  { chain, identities, net }: PrepareOptions,
): Promise<void> {
  const { coldkey, hotkey } = await obtainWallet(member)
  if (!registered.has(hotkey.address)) {
    await chain.transfer(DEV_ACCOUNT, coldkey.address, FUNDS)
    await chain.register(net.netuid, coldkey, hotkey.address)
    if (member.role === 'validator') {
      await chain.addStake(net.netuid, coldkey, hotkey.address, STAKE)
    }
  }
  if ((await readBinding(member.dataDir)) === undefined) {
    const key = identities.get(member.name)!.recordKey
    await bindPeer({ chain, net, hotkey, key, dataDir: member.dataDir })
  }
}

/** The member's keys, made at its first run. */
async function obtainWallet(member: Member): Promise<Wallet> {
  const place = walletPlace(member)
  try {
    return { coldkey: await loadColdkey(place), hotkey: await loadHotkey(place) }
  } catch (error) {
    if (codeOf(error) !== 'BAD_CONFIG_WALLET') throw error
    return createWallet(place)
  }
}
