import { join } from 'node:path'
import type { Chain } from '../../chain/chain.ts'
import type { Hotkey } from '../../chain/keys.ts'
import { createWallet, loadColdkey, loadHotkey, type Wallet } from '../../chain/wallet.ts'
import { codeOf } from '../../errors.ts'
import type { Log } from '../../log.ts'
import type { Network } from '../../protocols/network.ts'
import { createDataFolder } from '../data-folder.ts'
import { type Identity, loadIdentity } from '../identity.ts'
import { BINDING_BLOCKS, makeBinding, readBinding, writeBinding } from '../own-binding.ts'
import { joinSubnet } from '../subnet-member.ts'
import type { Member } from './layout.ts'

/** What a validator stakes. */
const STAKE_RAO = 1_000_000_000_000n

/** A member with its keys. */
export interface KeyedMember {
  readonly member: Member
  readonly identity: Identity
  /** Of miners and validators alone: relays and renters need none. */
  readonly wallet: Wallet | undefined
}

/** Where a member's wallet lies. */
export const walletPlace = ({ dataDir, name }: Member) => ({
  path: join(dataDir, 'wallets'),
  name,
  hotkey: 'default',
})

export const hasWallet = ({ role }: Member): boolean => role === 'miner' || role === 'validator'

/** Each member's keys, made where it has none: the list of admitted PeerIds must be known before any node starts. */
export const makeKeys = (members: readonly Member[], log: Log): Promise<KeyedMember[]> =>
  Promise.all(
    members.map(async (member) => {
      const { keyFile } = await createDataFolder(member.dataDir)
      const identity = await loadIdentity(keyFile, log)
      return {
        member,
        identity,
        wallet: hasWallet(member) ? await obtainWallet(member) : undefined,
      }
    }),
  )

/** The member's keys, made at its first run. */
async function obtainWallet(member: Member): Promise<Wallet> {
  const place = walletPlace(member)
  try {
    return { coldkey: await loadColdkey(place), hotkey: await loadHotkey(place) }
  } catch (error) {
    if (codeOf(error) !== 'BAD_CONFIG_WALLET') throw error
    const { hotkey } = await createWallet(place)
    return { coldkey: await loadColdkey(place), hotkey }
  }
}

/** A hotkey whose binding lies in its member's folder and still must be committed to on the chain. */
export interface Unbound {
  readonly hotkey: Hotkey
  readonly commitment: Uint8Array
}

/**
 * Binds every miner's and validator's PeerId to its hotkey, as far as its own folder goes, so that nodes announce it
 * from their start. Gives what the chain lacks: nothing for those whose binding an earlier run committed to.
 */
export async function bindMembers(
  chain: Chain,
  net: Network,
  keyed: readonly KeyedMember[],
): Promise<Unbound[]> {
  const [head, committed] = await Promise.all([chain.head(), chain.commitments(net.netuid)])
  const expiresAtBlock = head.number + BINDING_BLOCKS
  const bound = keyed.map(async ({ member, identity, wallet }): Promise<Unbound[]> => {
    if (wallet === undefined) return []
    const { hotkey } = wallet
    const { dataDir } = member
    if (committed.has(hotkey.address) && (await readBinding(dataDir)) !== undefined) return []
    const key = identity.recordKey
    const made = makeBinding({ net, hotkey, key, seq: Date.now(), expiresAtBlock })
    await writeBinding(dataDir, made.binding)
    return [{ hotkey, commitment: made.commitment }]
  })
  return (await Promise.all(bound)).flat()
}

/**
 * Gives every miner and validator what a real one must have on the chain: a funded coldkey, a registered hotkey
 * (validators with stake), and the commitment of its binding. What an earlier run did is not done twice.
 */
export async function joinMembers(
  chain: Chain,
  net: Network,
  keyed: readonly KeyedMember[],
  unbound: readonly Unbound[],
): Promise<void> {
  const joined = keyed.map(async ({ member, wallet }) => {
    if (wallet === undefined) return
    const { coldkey, hotkey } = wallet
    const stakeRao = member.role === 'validator' ? STAKE_RAO : 0n
    const agree = async (): Promise<void> => undefined // who starts a devnet wants it
    const who = { chain, netuid: net.netuid, coldkey, hotkey, stakeRao }
    await joinSubnet({ ...who, embedded: true, agree })
    const lacking = unbound.find((one) => one.hotkey.address === hotkey.address)
    if (lacking !== undefined) await chain.setCommitment(net.netuid, hotkey, lacking.commitment)
  })
  await Promise.all(joined)
}
