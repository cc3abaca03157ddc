import type { EventRecord } from '@polkadot/types/interfaces'
import type { NodeError } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'
import type { TxResult } from '../transaction.ts'
import type { Connection } from './connection.ts'
import { ofFinal } from './final-heads.ts'
import { unlessDiscarded } from './past-blocks.ts'
import { readStorage } from './storage-batch.ts'
import { failureIn } from './transaction-errors.ts'

interface RawBlock {
  readonly block: { readonly extrinsics: readonly string[] }
}

/**
 * What became of a transaction in a block, by its very bytes; the error says why it failed there. Undefined when it does
 * not stand in it, `dropped` where the endpoint has the block, or what it did, no longer.
 */
export async function findInBlock(
  connection: Connection,
  bytes: string,
  block: BlockRef,
): Promise<TxResult | NodeError | 'dropped' | undefined> {
  const { api } = connection
  const raw = await ofFinal<RawBlock>(connection, block.number, 'chain_getBlock', [block.hash])
  if (raw === undefined) return 'dropped'
  const index = raw.block.extrinsics.indexOf(bytes)
  if (index < 0) return undefined
  const read = await unlessDiscarded(() => readStorage(api, block, [['system', 'events']]))
  if (read === undefined) return 'dropped'
  const [events] = read
  const mine = [...(events as unknown as Iterable<EventRecord>)].filter(
    ({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eq(index),
  )
  const failure = failureIn({ registry: events!.registry }, mine)
  return failure ?? { block, events: mine.map(({ event }) => `${event.section}.${event.method}`) }
}

/** The nonce that an account's next transaction has after a block. */
export async function nonceAt(
  { api }: Pick<Connection, 'api'>,
  address: string,
  block: BlockRef,
): Promise<number> {
  const [account] = await readStorage(api, block, [['system', 'account', address]])
  return Number((account as unknown as { readonly nonce: object }).nonce)
}
