import { codeOf, NodeError } from '../../errors.ts'
import type { BlockRef } from '../block-ref.ts'
import type { Connection } from './connection.ts'

export interface FollowHeads {
  readonly signal: AbortSignal
  /** The first block told is the one after this; the newest final one unless told. */
  readonly after?: number
  /** Called in place of a block that the endpoint has dropped, with its number. */
  readonly onDropped?: (number: number) => void | Promise<void>
}

/**
 * Calls back for every final block in order, each once: what was missed while the connection was lost, or is left out
 * by the endpoint, is asked for by number; what was told before, or is older, or dropped by the endpoint, is passed
 * over. The next block waits for the callback. Where that fails for want of a connection, the same block comes again
 * with the next one.
 */
export async function followHeads(
  { heads, provider }: Connection,
  listener: (block: BlockRef) => void | Promise<void>,
  { signal, after, onDropped }: FollowHeads,
): Promise<void> {
  let last = after
  let newest: BlockRef | undefined
  let busy = false
  const tellAll = async (): Promise<void> => {
    while (newest !== undefined && !signal.aborted) {
      const number = last === undefined ? newest.number : last + 1
      if (number > newest.number) return
      const block = number === newest.number ? newest : await keptBlock({ provider }, number)
      if (block === undefined) await onDropped?.(number)
      else await listener(block)
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

/** A block by its number; undefined where the endpoint has dropped it. */
async function keptBlock(
  connection: Pick<Connection, 'provider'>,
  number: number,
): Promise<BlockRef | undefined> {
  const hash = await ofFinal<string>(connection, number, 'chain_getBlockHash', [number])
  return hash === undefined ? undefined : { number, hash }
}

/**
 * Asks for something of a final block; undefined where the endpoint has dropped it: its newest final block is a later
 * one. @throws CHAIN_UNREACHABLE while the endpoint does not have it yet
 */
export async function ofFinal<T>(
  { provider }: Pick<Connection, 'provider'>,
  number: number,
  method: string,
  params: readonly unknown[],
): Promise<T | undefined> {
  const ask = () => provider.send<T | null>(method, [...params])
  const told = await ask()
  if (told !== null) return told
  const head = await provider.send<string>('chain_getFinalizedHead', [])
  const newest = await provider.send<{ readonly number: string }>('chain_getHeader', [head])
  if (Number(newest.number) < number) throw notThere(`block ${number}`)
  // Another endpoint, which is further, may have answered since.
  return (await ask()) ?? undefined
}

/** What an endpoint that is behind does not know yet. */
export const notThere = (what: string): NodeError =>
  new NodeError('CHAIN_UNREACHABLE', `the endpoint does not have ${what}`, {
    next: 'wait until it has caught up, or give another with --chain',
  })
