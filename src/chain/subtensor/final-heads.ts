import { codeOf, NodeError } from '../../errors.ts'
import type { BlockRef } from '../chain.ts'
import type { Connection } from './connection.ts'

export interface FollowHeads {
  readonly signal: AbortSignal
  /** The first block told is the one after this; the newest final one unless told. */
  readonly after?: number
}

/**
 * Calls back for every final block in order, each once: what was missed while the connection was lost, or is left out
 * by the endpoint, is asked for by number; what was told before, or is older, is passed over. The next block waits
 * for the callback. Where that fails for want of a connection, the same block comes again with the next one.
 */
export async function followHeads(
  { heads, provider }: Connection,
  listener: (block: BlockRef) => void | Promise<void>,
  { signal, after }: FollowHeads,
): Promise<void> {
  let last = after
  let newest: BlockRef | undefined
  let busy = false
  const tellAll = async (): Promise<void> => {
    while (newest !== undefined && !signal.aborted) {
      const number = last === undefined ? newest.number : last + 1
      if (number > newest.number) return
      await listener(number === newest.number ? newest : await blockAt({ provider }, number))
      last = number
    }
  }
  const tell = async (): Promise<void> => {
    if (busy) return
    busy = true
    try {
      await tellAll()
    } catch (error) {
      if (codeOf(error) !== 'CHAIN_UNREACHABLE' && codeOf(error) !== 'CHAIN_CLOSED') throw error
    } finally {
      busy = false
    }
  }
  const stop = await heads.listen((head) => {
    if (newest === undefined || head.number > newest.number) newest = head
    void tell()
  })
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
}

/** A block by its number. @throws CHAIN_UNREACHABLE when the endpoint does not have it yet */
export async function blockAt(
  { provider }: Pick<Connection, 'provider'>,
  number: number,
): Promise<BlockRef> {
  const hash = await provider.send<string | null>('chain_getBlockHash', [number])
  if (hash === null) throw notThere(`block ${number}`)
  return { number, hash }
}

/** What an endpoint that is behind does not know yet. */
export const notThere = (what: string): NodeError =>
  new NodeError('CHAIN_UNREACHABLE', `the endpoint does not have ${what}`, {
    next: 'wait until it has caught up, or give another with --chain',
  })
