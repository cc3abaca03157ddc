import type { BindingsAnswer } from '../api/network.ts'
import { codeOf } from '../errors.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import type { Config } from './config.ts'
import { heldBindings } from './hotkey-bindings.ts'
import { keptSheets, nodeSheets, walletSheets } from './sheet-file.ts'
import type { OpenChain } from './with-chain.ts'

/** One PeerId that a hotkey binds; `seq` is null where only its record is known. */
export interface BoundPeer {
  readonly peerId: string
  readonly seq: number | null
  readonly expiresAtBlock: number
  readonly expired: boolean
}

export interface BindingsOf {
  readonly hotkey: string
  readonly block: number
  readonly committed: boolean
  /** Whether these are all, or those that this node happens to know. */
  readonly complete: boolean
  readonly items: readonly BoundPeer[]
}

/**
 * Whom a hotkey binds at the newest final block, by its address alone: from the sheet whose root the chain holds, where
 * a file of this machine has it, else from the records of `known`, whose bindings were checked.
 */
export async function bindingsOf(
  { chain, net }: OpenChain,
  config: Pick<Config, 'walletPath' | 'walletName' | 'dataDir'>,
  hotkey: string,
  known: BindingsAnswer['items'],
): Promise<BindingsOf> {
  const { number: block } = await chain.head()
  const file = walletSheets(config, net, hotkey)
  const others = await keptSheets(nodeSheets(config.dataDir))
  try {
    const held = await heldBindings({ chain, net, address: hotkey, file, others })
    const members = held.sheet?.members ?? []
    const items = members.map(({ peerKey, seq, expiresAtBlock }) => ({
      ...{ peerId: peerIdOfKey(peerKey), seq, expiresAtBlock },
      expired: expiresAtBlock <= block,
    }))
    return { hotkey, block, committed: held.commitment !== undefined, complete: true, items }
  } catch (error) {
    if (codeOf(error) !== 'BAD_CONFIG_BINDING') throw error
    const items = known
      .filter((one) => one.hotkey === hotkey)
      .map(({ peerId, expiresAtBlock }) => ({
        ...{ peerId, seq: null, expiresAtBlock },
        expired: expiresAtBlock <= block,
      }))
    return { hotkey, block, committed: true, complete: false, items }
  }
}
