import type { ApiPromise } from '@polkadot/api'
import type { SubmittableExtrinsic } from '@polkadot/api/types'
import type { EventRecord } from '@polkadot/types/interfaces'
import type { ISubmittableResult } from '@polkadot/types/types'
import { deadline, sleep } from '../../clock.ts'
import { messageOf, NodeError } from '../../errors.ts'
import type { TxResult } from '../chain.ts'
import { failureIn, outcomeUnknown, poolError } from './transaction-errors.ts'

export type Transaction = SubmittableExtrinsic<'promise', ISubmittableResult>

/** How often blocks are searched once the subscription was lost with the connection. */
const SEARCH_MS = 3000

/** A transaction on its way. */
export interface OnItsWay {
  /** Resolves once the pool has it; rejects with CHAIN_POOL. */
  readonly pooled: Promise<void>
  /** Resolves with its final block; rejects with CHAIN_DISPATCH, CHAIN_INNER, CHAIN_POOL or CHAIN_TIMEOUT. */
  readonly final: Promise<TxResult>
}

export interface FinalOptions {
  /** The final block before it was sent: it cannot stand in that or an earlier one. */
  readonly since: number
  readonly withinMs: number
  readonly signal: AbortSignal
}

/**
 * Sends a signed transaction and follows it. A subscription does not survive a lost connection, so after one the final
 * blocks are searched instead: nothing is sent twice, and nothing that happened is called unknown.
 */
export function sendAndAwait(
  api: ApiPromise,
  signed: Transaction,
  { since, withinMs, signal }: FinalOptions,
): OnItsWay {
  const hash = signed.hash.toHex()
  const pooled = Promise.withResolvers<void>()
  const final = Promise.withResolvers<TxResult>()
  // Both reject together and keep their reasons for who awaits them. A caller may await one of them alone, and the other
  // must then not end the process as a rejection that nobody handles.
  for (const { promise } of [pooled, final]) promise.catch(() => undefined)
  const limit = deadline(signal, withinMs)
  const search = (): Promise<void> => searchUntilFound(api, { hash, since }, limit.signal, final)
  const onBack = (): void => void search()
  const onLimit = async (): Promise<void> => {
    const found = signal.aborted ? undefined : findFinal(api, hash, since)
    await found?.then((result) => result && final.resolve(result), final.reject)
    final.reject(outcomeUnknown(hash))
  }
  limit.signal.addEventListener('abort', () => void onLimit(), { once: true })
  api.on('connected', onBack)
  const stop = signed.send((result) => {
    if (result.isError) {
      const error = poolError(api, result.status.type, result.internalError)
      pooled.reject(error)
      final.reject(error)
      return
    }
    pooled.resolve()
    if (result.isFinalized) conclude(api, result).then(final.resolve, final.reject)
  })
  stop.catch((cause) => {
    if (typeof (cause as { code?: unknown }).code !== 'number') {
      pooled.resolve() // no answer of the chain but a lost connection: it may have arrived
      return
    }
    const error = poolError(api, messageOf(cause), cause)
    pooled.reject(error)
    final.reject(error)
  })
  const done = (): void => {
    limit[Symbol.dispose]()
    api.off('connected', onBack)
    void stop.then(
      (unsubscribe) => unsubscribe(),
      () => undefined, // it was never subscribed
    )
  }
  final.promise.then(done, done)
  return { pooled: pooled.promise, final: final.promise }
}

async function searchUntilFound(
  api: ApiPromise,
  { hash, since }: { hash: string; since: number },
  signal: AbortSignal,
  final: PromiseWithResolvers<TxResult>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const found = await findFinal(api, hash, since)
      if (found !== undefined) return final.resolve(found)
    } catch (error) {
      if (error instanceof NodeError) return final.reject(error)
      // The connection went again: the search goes on when it is back. What else it may be comes again at the last look,
      // when the time is up, and is told then.
    }
    await sleep(SEARCH_MS, signal).catch(() => undefined) // aborted: the loop's condition says so
  }
}

/**
 * Looks for a transaction in the final blocks after `since`; undefined when it stands in none.
 * @throws CHAIN_DISPATCH or CHAIN_INNER when it stands in one and failed
 */
export async function findFinal(
  api: ApiPromise,
  hash: string,
  since: number,
): Promise<TxResult | undefined> {
  const head = await api.rpc.chain.getFinalizedHead()
  const last = (await api.rpc.chain.getHeader(head)).number.toNumber()
  for (let number = since + 1; number <= last; number++) {
    const blockHash = await api.rpc.chain.getBlockHash(number)
    const { block } = await api.rpc.chain.getBlock(blockHash)
    const index = block.extrinsics.findIndex((one) => one.hash.toHex() === hash)
    if (index < 0) continue
    const events = (await (await api.at(blockHash)).query['system']!['events']!()) as unknown
    const mine = (events as EventRecord[]).filter(
      ({ phase }) => phase.isApplyExtrinsic && phase.asApplyExtrinsic.eq(index),
    )
    const failure = failureIn(api, mine)
    if (failure !== undefined) throw failure
    return { block: { number, hash: blockHash.toHex() }, events: eventNames(mine) }
  }
  return undefined
}

async function conclude(api: ApiPromise, result: ISubmittableResult): Promise<TxResult> {
  const failure = failureIn(api, result.events)
  if (failure !== undefined) throw failure
  const hash = result.status.asFinalized.toHex()
  const header = await api.rpc.chain.getHeader(hash)
  return { block: { number: header.number.toNumber(), hash }, events: eventNames(result.events) }
}

const eventNames = (records: readonly EventRecord[]): string[] =>
  records.map(({ event }) => `${event.section}.${event.method}`)
