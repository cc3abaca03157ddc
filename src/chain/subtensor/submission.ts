import { codeOf, NodeError } from '../../errors.ts'
import { minutesMs } from '../../units.ts'
import type { BlockRef } from '../block-ref.ts'
import type { SignedTx, TxResult } from '../transaction.ts'
import type { Connection } from './connection.ts'
import { followHeads } from './final-heads.ts'
import { findInBlock, nonceAt } from './find-transaction.ts'
import { finalizedHead } from './reads.ts'
import {
  expired,
  outcomeUnknown,
  poolError,
  refusalText,
  replaced,
  unseen,
} from './transaction-errors.ts'

/** No final block for this long is no clock to count by: the outcome is called unknown. */
const SILENT_MS = minutesMs(3)
/** A pool that let it go is given it again after so many blocks. */
const AGAIN_BLOCKS = 5
/** No block as they stand now takes these bytes. */
const INVALID = 1010
/** The pool let these bytes go a short while ago, for they were invalid, or in a block that is no more. */
const BANNED = 1012
/** The pool has these bytes. */
const ALREADY_IMPORTED = 1013

export interface SubmissionOptions {
  /** Its end is the end of the waiting too. */
  readonly owner: AbortSignal
  /** It may have been sent before: a refusal of the pool alone says then that it is there, or in a block already. */
  readonly isResumed: boolean
}

/**
 * A transaction on its way: given to the pool, the same bytes again whenever the connection was lost or the pool let it
 * go, and looked for in every final block. It counts once it stands in one, and is given up only when it can stand in
 * none any more (the blocks it was signed for are over, another one took its nonce, or the chain finds it invalid), and
 * where the block that may hold it can be read no more.
 */
export class Submission {
  readonly #connection: Connection
  readonly #transaction: SignedTx
  readonly #pooled = Promise.withResolvers<void>()
  readonly #final = Promise.withResolvers<TxResult>()
  readonly #life = new AbortController()
  readonly #isResumed: boolean
  #sending = false
  #attempts = 0
  /** What a pool said against it after one may have taken it, and the best block then. */
  #doubt: { readonly error: NodeError; isInvalid: boolean; best: number } | undefined
  #bans = 0
  /** No final block up to this one holds it, by the nonce of its signer. */
  #absentUpTo = 0
  /** A dropped block may hold it: its nonce was used by this final block. */
  #usedBy: number | undefined
  #silence: NodeJS.Timeout | undefined

  constructor(
    connection: Connection,
    transaction: SignedTx,
    { owner, isResumed }: SubmissionOptions,
  ) {
    this.#connection = connection
    this.#transaction = transaction
    this.#isResumed = isResumed
    // Both reject together and keep their reasons for who awaits them. A caller may await one of them alone, and the
    // other must then not end the process as a rejection that nobody handles.
    for (const { promise } of [this.#pooled, this.#final]) promise.catch(() => undefined)
    const giveUp = (): void => this.#fail(outcomeUnknown(transaction.hash))
    owner.addEventListener('abort', giveUp, { once: true })
    this.#life.signal.addEventListener('abort', () => owner.removeEventListener('abort', giveUp))
    void this.#start()
  }

  /** Resolves once a pool has it; rejects with CHAIN_POOL or as `final` does. */
  get pooled(): Promise<void> {
    return this.#pooled.promise
  }

  /** Resolves with its final block; rejects with CHAIN_POOL, CHAIN_DISPATCH, CHAIN_INNER or CHAIN_TIMEOUT. */
  get final(): Promise<TxResult> {
    return this.#final.promise
  }

  get specVersion(): number {
    return this.#transaction.specVersion
  }

  async #start(): Promise<void> {
    const { signal } = this.#life
    try {
      const after = this.#transaction.since
      const onDropped = (number: number): Promise<void> =>
        this.#onFinal(() => this.#passOver(number))
      const onBlock = (block: BlockRef): Promise<void> => this.#onFinal(() => this.#look(block))
      await followHeads(this.#connection, onBlock, { signal, after, onDropped })
    } catch (error) {
      return this.#fail(error) // nothing was sent
    }
    if (signal.aborted) return
    const off = this.#connection.provider.on('connected', () => void this.#send())
    signal.addEventListener('abort', off)
    this.#hear()
    await this.#send()
  }

  async #send(): Promise<void> {
    const { provider } = this.#connection
    if (this.#sending || this.#life.signal.aborted) return
    this.#sending = true
    const isFirst = ++this.#attempts === 1 && !this.#isResumed
    const type = 'author_extrinsicUpdate'
    try {
      const id = await provider.subscribe(
        type,
        'author_submitAndWatchExtrinsic',
        [this.#transaction.bytes],
        (_, status) => this.#onStatus(status),
      )
      this.#pooled.resolve()
      const stop = (): void => void provider.unsubscribe(type, 'author_unwatchExtrinsic', id)
      if (this.#life.signal.aborted) stop()
      this.#life.signal.addEventListener('abort', stop)
    } catch (error) {
      // Without an answer it may have arrived: it goes out again, the same, once the connection is back.
      if (codeOf(error) === 'CHAIN_REFUSED') this.#onRefusal(error as NodeError, isFirst)
    } finally {
      this.#sending = false
    }
  }

  #onRefusal(cause: NodeError, isFirst: boolean): void {
    const code = cause.details['rpcCode']
    const isThere = code === ALREADY_IMPORTED
    if (code === BANNED) this.#bans++
    const error = poolError(this.#connection.api, refusalText(cause), cause)
    if (isFirst && !isThere) this.#fail(error)
    else {
      this.#pooled.resolve()
      if (!isThere) this.#doubts(error, code === INVALID || this.#bans > 1)
    }
  }

  #onStatus(status: unknown): void {
    const name = typeof status === 'string' ? status : Object.keys(status ?? {})[0]
    if (name === 'invalid' || name === 'dropped' || name === 'usurped') {
      const error = poolError(this.#connection.api, `it became ${name}`, undefined)
      this.#doubts(error, name === 'invalid')
    }
  }

  /** It may stand in a block that is not final yet: what the pool says counts once the best block of now is final. */
  #doubts(error: NodeError, isInvalid: boolean): void {
    if (this.#doubt !== undefined && (this.#doubt.isInvalid || !isInvalid)) return
    const doubt = { error, isInvalid, best: Number.POSITIVE_INFINITY }
    this.#doubt = doubt
    this.#connection.provider.send<{ number: string }>('chain_getHeader', []).then(
      ({ number }) => {
        doubt.best = Number(number)
        // One that has not seen the block it was signed after cannot tell.
        doubt.isInvalid &&= doubt.best >= this.#transaction.since
      },
      () => {
        if (this.#doubt === doubt) this.#doubt = undefined // the connection went: it will be sent again
      },
    )
  }

  async #onFinal(look: () => Promise<void>): Promise<void> {
    this.#hear()
    try {
      await look()
    } catch (error) {
      const code = codeOf(error)
      if (code === 'CHAIN_UNREACHABLE' || code === 'CHAIN_CLOSED') throw error
      // The endpoint has dropped the state of that block.
      this.#fail(code === 'CHAIN_REFUSED' ? outcomeUnknown(this.#transaction.hash) : error)
    }
  }

  async #look(block: BlockRef): Promise<void> {
    const { bytes, hash, nonce, signer, since, until } = this.#transaction
    const isAbsent = block.number <= this.#absentUpTo
    const found = isAbsent ? undefined : await findInBlock(this.#connection, bytes, block)
    if (this.#life.signal.aborted) return
    if (found === 'dropped') return this.#passOver(block.number)
    if (found instanceof NodeError) return this.#fail(found)
    if (found !== undefined) {
      this.#pooled.resolve()
      this.#final.resolve(found)
      return this.#end()
    }
    if (this.#isUnseenBy(block.number)) return this.#fail(unseen(hash))
    if (block.number >= until) return this.#fail(expired(hash, until))
    const doubt = this.#doubt
    if (doubt === undefined || block.number < doubt.best) return
    if ((await nonceAt(this.#connection, signer, block)) > nonce)
      return this.#fail(this.#usedBy === undefined ? replaced(hash, nonce) : unseen(hash))
    if (doubt.isInvalid || (await this.#isOutdated(block))) return this.#fail(doubt.error)
    if ((block.number - since) % AGAIN_BLOCKS === 0) {
      this.#doubt = undefined
      void this.#send()
    }
  }

  /** A block that cannot be read any more may hold it, unless the newest final one tells that none so far does. */
  async #passOver(number: number): Promise<void> {
    if (number <= this.#absentUpTo) return
    const { hash, nonce, signer, until } = this.#transaction
    if (this.#usedBy === undefined) {
      const newest = await finalizedHead(this.#connection.api)
      const isUsed = (await nonceAt(this.#connection, signer, newest)) > nonce
      if (isUsed) this.#usedBy = newest.number
      else if (newest.number >= until) return this.#fail(expired(hash, until))
      else this.#absentUpTo = newest.number
    }
    if (this.#isUnseenBy(number)) this.#fail(unseen(hash))
  }

  /** Whether it can stand in no block from this one on, but may in one that was dropped. */
  #isUnseenBy(number: number): boolean {
    return this.#usedBy !== undefined && number >= Math.min(this.#usedBy, this.#transaction.until)
  }

  /** Whether a final block has another runtime than this was signed for: none after it takes it. */
  async #isOutdated({ hash }: BlockRef): Promise<boolean> {
    const method = 'state_getRuntimeVersion'
    const { provider } = this.#connection
    const { specVersion } = await provider.send<{ specVersion: number }>(method, [hash])
    return specVersion !== this.#transaction.specVersion
  }

  /** A final block came: the silence starts anew. */
  #hear(): void {
    clearTimeout(this.#silence)
    if (this.#life.signal.aborted) return
    const giveUp = (): void => this.#fail(outcomeUnknown(this.#transaction.hash))
    this.#silence = setTimeout(giveUp, SILENT_MS)
  }

  #fail(error: unknown): void {
    this.#pooled.reject(error)
    this.#final.reject(error)
    this.#end()
  }

  #end(): void {
    clearTimeout(this.#silence)
    this.#life.abort()
  }
}
