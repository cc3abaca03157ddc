import type { BlockRef, Chain, TxResult } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import { NodeError } from '../errors.ts'
import { type BindingCommitment, decodeCommitment, encodeCommitment } from '../protocols/binding.ts'
import { NOBODY } from '../protocols/binding-sheet.ts'

/** A commitment and the block that holds it. */
export type CommitmentAt = BindingCommitment & { readonly block: number }

/** What every hotkey of a subnet committed to, by SS58 address; data of other programs is left out. */
export async function readCommitments(
  chain: Chain,
  netuid: number,
  at?: BlockRef,
): Promise<ReadonlyMap<string, CommitmentAt>> {
  const found = await chain.commitments(netuid, at)
  return new Map(
    [...found].flatMap(([hotkey, { bytes, block }]) => {
      const commitment = decodeCommitment(bytes)
      return commitment === undefined ? [] : [[hotkey, { ...commitment, block }] as const]
    }),
  )
}

/** What a hotkey committed to at the newest final block; undefined when nothing, or nothing of this program's. */
export const readCommitment = async (
  chain: Chain,
  netuid: number,
  address: string,
): Promise<CommitmentAt | undefined> => (await readCommitments(chain, netuid)).get(address)

/** The next commitment of a hotkey: what does not change is kept, the sequence number grows. */
export const nextCommitment = (
  before: BindingCommitment | undefined,
  change: Partial<Pick<BindingCommitment, 'bindingsRoot' | 'recordsRoot'>>,
  nowMs: number,
): BindingCommitment => ({
  seq: Math.max((before?.seq ?? 0) + 1, nowMs),
  bindingsRoot: change.bindingsRoot ?? before?.bindingsRoot ?? NOBODY,
  recordsRoot: change.recordsRoot ?? before?.recordsRoot ?? new Uint8Array(32),
})

/** How the two runtimes refuse a hotkey that commits too often. */
const TOO_OFTEN = /RateLimit|SpaceLimit/

/**
 * Commits and waits until that is final.
 * @throws CHAIN_DISPATCH; where the chain's limit is reached, with what to wait for
 */
export async function commit(
  chain: Chain,
  netuid: number,
  hotkey: Hotkey,
  commitment: BindingCommitment,
): Promise<TxResult> {
  try {
    return await chain.setCommitment(netuid, hotkey, encodeCommitment(commitment))
  } catch (error) {
    if (!(error instanceof NodeError) || !TOO_OFTEN.test(String(error.details['error'])))
      throw error
    throw new NodeError(error.code, 'this hotkey committed too often for the chain', {
      ...error.details,
      cause: error,
      next: 'wait 100 blocks (20 min), on newer chains for the next epoch, and run it again',
    })
  }
}
