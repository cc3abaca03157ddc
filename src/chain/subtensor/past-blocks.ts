import type { ApiPromise } from '@polkadot/api'
import { messageOf } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'

/** A block of the chain by its number. */
export const blockRef = async (api: ApiPromise, number: number): Promise<BlockRef> => ({
  number,
  hash: (await api.rpc.chain.getBlockHash(number)).toHex(),
})

/** Undefined when the endpoint has dropped the state of the block. */
export async function unlessDiscarded<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (/discarded|Unknown ?Block/i.test(messageOf(error))) return undefined
    throw error
  }
}
