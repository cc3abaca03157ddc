import type { BlockRef } from '../chain/block-ref.ts'
import type { Chain } from '../chain/chain.ts'
import { deadline } from '../clock.ts'
import { codeOf, messageOf } from '../errors.ts'
import { secondsMs } from '../units.ts'

/** A chain that tells no block for so long is asked whether it is there: a real one makes one every 12 s. */
const SILENCE_MS = secondsMs(30)

/** What a watcher does with blocks. */
export interface HeadWatcher {
  /** Shows one block; while it does, newer ones wait, and of those the newest comes next. */
  show(head: BlockRef): Promise<void>
  /** Told once when the chain stops answering, until it shows a block again. */
  lost(reason: string): void
}

/**
 * Follows a chain's final blocks by subscription, the present one first, until `signal` aborts. A chain that went away
 * is waited for: the connection comes back by itself and goes on telling; after `silenceMs` without a block it is asked.
 * @throws whatever `show` throws that is no unreachable chain
 */
export async function watchHeads(
  chain: Pick<Chain, 'head' | 'onHead'>,
  { show, lost }: HeadWatcher,
  signal: AbortSignal,
  silenceMs = SILENCE_MS,
): Promise<void> {
  const stopped = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => stopped.resolve(), { once: true })
  let newest: BlockRef | undefined
  let told = Promise.withResolvers<void>()
  let shown = -1
  let isLost = false
  let isFollowed = false

  async function turn(): Promise<void> {
    if (!isFollowed) {
      await chain.onHead((head) => {
        newest = head
        told.resolve()
      }, signal)
      isFollowed = true
    }
    const head = newest ?? (await chain.head())
    newest = undefined
    told = Promise.withResolvers()
    if (head.number <= shown) return
    await show(head)
    shown = head.number
    isLost = false
  }

  async function untilToldOrSilent(): Promise<void> {
    using silence = deadline(signal, silenceMs)
    const passed = Promise.withResolvers<void>()
    silence.signal.addEventListener('abort', () => passed.resolve(), { once: true })
    await Promise.race([told.promise, passed.promise])
  }

  while (!signal.aborted) {
    try {
      // What a closing connection was asked last is never answered.
      await Promise.race([turn(), stopped.promise])
    } catch (error) {
      if (signal.aborted) return
      if (codeOf(error) !== 'CHAIN_UNREACHABLE') throw error
      if (!isLost) lost(messageOf(error))
      isLost = true
    }
    if (!signal.aborted) await untilToldOrSilent()
  }
}
