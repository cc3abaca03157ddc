import type { ApiPromise } from '@polkadot/api'
import type { GenericExtrinsic } from '@polkadot/types'
import type { EventRecord } from '@polkadot/types/interfaces'
import type { Codec } from '@polkadot/types/types'
import type { BlockRef } from '../block-ref.ts'
import type { CommitmentPlace } from '../chain-commitments.ts'
import { numberOf } from './entries.ts'
import { blockRef, unlessDiscarded } from './past-blocks.ts'
import { commitmentFrom, rawField } from './read-subnet.ts'

/**
 * A hotkey's last commitment in one block: by the block's state and events where the endpoint has them, else by its
 * transactions alone, which do not tell whether they succeeded.
 */
export async function readCommitmentIn(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  number: number,
): Promise<CommitmentPlace | undefined> {
  const block = await blockRef(api, number)
  if (/^0x0+$/.test(block.hash)) return undefined
  const stated = await unlessDiscarded(() => inState(api, netuid, hotkey, block))
  return stated === undefined ? inBody(api, netuid, hotkey, block) : (stated ?? undefined)
}

/** By state and events; null when the hotkey's commitment is of another block. */
async function inState(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: BlockRef,
): Promise<CommitmentPlace | null> {
  const at = await api.at(block.hash)
  const [value, events] = await Promise.all([
    at.query['commitments']!['commitmentOf']!(netuid, hotkey),
    at.query['system']!['events']!() as unknown as Promise<EventRecord[]>,
  ])
  const held = commitmentFrom(
    (value as Codec & { unwrapOr(other: undefined): Codec }).unwrapOr(undefined),
  )
  if (held === undefined || held.block !== block.number) return null
  const mine = [...events].filter(
    ({ event, phase }) =>
      phase.isApplyExtrinsic &&
      `${event.section}.${event.method}` === 'commitments.Commitment' &&
      numberOf(event.data[0]!) === netuid &&
      String(event.data[1]) === hotkey,
  )
  const index = mine.at(-1)?.phase.asApplyExtrinsic.toNumber() ?? null
  return { block, index, bytes: held.bytes, isCertain: true }
}

/** By the hotkey's own transactions; one inside another call is not seen. */
async function inBody(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
  block: BlockRef,
): Promise<CommitmentPlace | undefined> {
  const { extrinsics } = (await api.rpc.chain.getBlock(block.hash)).block
  for (let index = extrinsics.length - 1; index >= 0; index--) {
    const { method, signer, isSigned } = extrinsics[index] as unknown as GenericExtrinsic
    const [subnet, info] = method.args
    const commits = `${method.section}.${method.method}` === 'commitments.setCommitment'
    if (!commits || !isSigned || String(signer) !== hotkey || numberOf(subnet!) !== netuid) continue
    const bytes = rawField(info!)
    if (bytes !== undefined) return { block, index, bytes, isCertain: false }
  }
  return undefined
}

/** Spec 218 counts blocks from the last commitment; 424 counts bytes of an epoch, and tells it when it refuses. */
export async function readCommitmentDue(
  api: ApiPromise,
  netuid: number,
  hotkey: string,
): Promise<number> {
  const perBlocks = api.consts['commitments']?.['rateLimit']
  if (perBlocks === undefined) return 0
  const last = await api.query['commitments']!['lastCommitment']!(netuid, hotkey)
  const block = last.toJSON()
  return typeof block === 'number' ? block + numberOf(perBlocks) : 0
}
