import { join } from 'node:path'
import type { Chain } from '../../chain/chain.ts'
import { createWallet, loadColdkey, loadHotkey, type Wallet } from '../../chain/wallet.ts'
import { codeOf } from '../../errors.ts'
import type { Network } from '../../protocols/network.ts'
import { bindPeer } from '../bind-peer.ts'
import type { Identity } from '../identity.ts'
import { readBinding } from '../own-binding.ts'
import { joinSubnet } from '../subnet-member.ts'
import type { Member } from './layout.ts'

/** What a validator stakes. */
const STAKE_RAO = 1_000_000_000_000n

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
  await Promise.all(options.members.filter(hasWallet).map((one) => prepare(one, options)))
}

async function prepare(member: Member, { chain, identities, net }: PrepareOptions): Promise<void> {
  const { dataDir, role, name } = member
  const { coldkey, hotkey } = await obtainWallet(member)
  const stakeRao = role === 'validator' ? STAKE_RAO : 0n
  const membership = { chain, netuid: net.netuid, coldkey, hotkey, stakeRao, embedded: true }
  await joinSubnet(membership)
  if ((await readBinding(dataDir)) !== undefined) return
  await bindPeer({ chain, net, hotkey, key: identities.get(name)!.recordKey, dataDir })
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
