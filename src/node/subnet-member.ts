import type { Chain } from '../chain/chain.ts'
import { DEV_ACCOUNT } from '../chain/dev-account.ts'
import type { Hotkey } from '../chain/keys.ts'
import type { Neuron } from '../chain/metagraph.ts'
import { NodeError } from '../errors.ts'

const TAO = 1_000_000_000n

export interface Membership {
  readonly chain: Chain
  readonly netuid: number
  readonly coldkey: Hotkey
  readonly hotkey: Hotkey
  /** Rao to have staked on the hotkey when this is done; 0 stakes nothing. */
  readonly stakeRao: bigint
  /** On an embedded chain the development account pays. */
  readonly embedded: boolean
  /** Asked before anything is spent; throws when the owner of the coldkey does not agree. */
  readonly agree?: (cost: JoinCost) => Promise<void>
  /** Told before each transaction what is waited for, which on a real chain takes about half a minute. */
  readonly onStep?: (text: string) => void
}

/** What joining takes from the coldkey, in rao. */
export interface JoinCost {
  readonly burnRao: bigint
  readonly stakeRao: bigint
}

/** What `joinSubnet` found or did. */
export interface Joined {
  readonly neuron: Neuron
  readonly registered: boolean
  readonly stakedRao: bigint
}

/**
 * Registers a hotkey where it is not yet and stakes what it lacks; doing it again changes nothing.
 * @throws CHAIN_DISPATCH with the chain's own reason, e.g. too low a balance
 */
export async function joinSubnet(membership: Membership): Promise<Joined> {
  const { chain, netuid, coldkey, hotkey, stakeRao, agree, onStep } = membership
  const before = await find(membership)
  const missing = stakeRao - (before?.stake ?? 0n)
  // The pool gives a little less alpha than rao: what is nearly there is not topped up again.
  const stakedRao = missing > stakeRao / 100n ? missing : 0n
  const registered = before === undefined
  if (registered || stakedRao > 0n) {
    const burnRao = registered ? await chain.registrationCost(netuid) : 0n
    await agree?.({ burnRao, stakeRao: stakedRao })
    await fund(membership, burnRao + stakedRao)
  }
  if (registered) {
    onStep?.('registering: waiting until the block is final')
    await register(membership)
  }
  if (stakedRao > 0n) {
    onStep?.('staking: waiting until the block is final')
    await chain.addStake(netuid, coldkey, hotkey.address, stakedRao)
  }
  const neuron = await find(membership)
  if (neuron === undefined)
    throw new NodeError('CHAIN_FAILED', `${hotkey.address} is registered, but not listed`)
  return { neuron, registered, stakedRao }
}

async function find({ chain, netuid, hotkey }: Membership): Promise<Neuron | undefined> {
  const { neurons } = await chain.metagraph(netuid)
  return neurons.find((neuron) => neuron.hotkey === hotkey.address)
}

/** Two commands at once may register the same key: the second finds it done. */
async function register({ chain, netuid, coldkey, hotkey }: Membership): Promise<void> {
  try {
    await chain.register(netuid, coldkey, hotkey.address)
  } catch (error) {
    const done = error instanceof NodeError && error.details['error'] === ALREADY
    if (!done) throw error
  }
}

const ALREADY = 'HotKeyAlreadyRegisteredInSubNet'

/** For fees, and because an account must keep a little to exist. */
const ROOM_RAO = TAO

async function fund({ chain, coldkey, embedded }: Membership, costRao: bigint): Promise<void> {
  if (!embedded) return
  const wanted = costRao + ROOM_RAO
  const lacking = wanted - (await chain.balance(coldkey.address))
  if (lacking > 0n) await chain.transfer(DEV_ACCOUNT, coldkey.address, lacking)
}
