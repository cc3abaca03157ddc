import type { Chain } from '../../chain/chain.ts'
import type { Hotkey } from '../../chain/keys.ts'
import { loadHotkey } from '../../chain/wallet.ts'
import { every } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import { keptAnchors } from '../anchor-file.ts'
import { anchorRecords } from '../anchor-records.ts'
import type { ChainLink } from '../chain-link.ts'
import type { Core } from '../core.ts'
import { ownRecordIds } from '../own-records.ts'
import type { Service } from '../service.ts'
import { walletPlace } from '../wallet-place.ts'

interface Parts {
  readonly core: Core
  readonly chainLink: ChainLink
}

/** How often it is looked whether the time has come: a block of each kind of chain. */
const LOOK_MS = { local: secondsMs(1), test: secondsMs(12), finney: secondsMs(12) } as const

/** What failed, and what had nothing to anchor, waits so long: a transaction that fails is not sent every block. */
const RETRY_BLOCKS = 10

/**
 * Anchors a miner's records about every `--anchor-every-blocks`, counted from its last anchor; without a wallet it says
 * so and does nothing. Why one waits is told as `anchor-waiting`, once per reason.
 */
export const anchorOwnRecords = ({ core, chainLink }: Parts): Service => {
  const { config, net, key, store, log, events } = core
  const { dataDir, anchorEveryBlocks } = config
  /** Not to be tried before this block. */
  let dueBlock: number | undefined
  let waitsFor: string | undefined

  async function turn(chain: Chain, hotkey: Hotkey): Promise<void> {
    const { number } = await chain.head()
    if (dueBlock === undefined) {
      const last = (await keptAnchors(dataDir, net, hotkey.publicKey)).at(-1)
      dueBlock = (last?.block ?? number - anchorEveryBlocks) + anchorEveryBlocks
    }
    if (number < dueBlock) return
    dueBlock = number + RETRY_BLOCKS
    const ids = await ownRecordIds(store, net, key.publicKey)
    if (ids.length === 0) return
    const needs = { chain, net, hotkey, dataDir, peerKey: key.publicKey, ids }
    const { anchor, isNew } = await anchorRecords(needs)
    dueBlock = Math.max(number, anchor.block) + anchorEveryBlocks
    waitsFor = undefined
    if (isNew) events.emit('records-anchored', { block: anchor.block, records: ids.length })
  }

  function waiting(error: unknown): void {
    const code = codeOf(error)
    const told = error instanceof NodeError ? error : undefined
    const retryAtBlock = told?.details['retryAtBlock']
    if (typeof retryAtBlock === 'number') dueBlock = retryAtBlock
    if (waitsFor === code) return
    waitsFor = code
    log.warn('anchor-waiting', { code, reason: messageOf(error), next: told?.next })
    events.emit('anchor-waiting', { code, reason: messageOf(error) })
  }

  return {
    name: 'anchor-records',
    async start(signal) {
      if (anchorEveryBlocks === 0) return
      const hotkey = await loadHotkey(walletPlace(config)).catch((error: unknown) => {
        if (codeOf(error) !== 'BAD_CONFIG_WALLET') throw error
        waiting(error)
        return undefined
      })
      if (hotkey === undefined) return
      const life = { signal, log, name: 'anchor-records' }
      void every(LOOK_MS[net.network], life, async () => {
        const chain = chainLink.current()
        if (chain === undefined) return
        await turn(chain, hotkey).catch((error: unknown) => signal.aborted || waiting(error))
      })
    },
  }
}
