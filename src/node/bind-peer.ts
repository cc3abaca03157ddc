import type { Chain, TxResult } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import type { Network } from '../protocols/network.ts'
import type { RecordKey } from '../protocols/signed.ts'
import { BINDING_BLOCKS, makeBinding, writeBinding } from './own-binding.ts'

export interface BindNeeds {
  readonly chain: Chain
  readonly net: Network
  readonly hotkey: Hotkey
  /** The PeerId's key of the data folder. */
  readonly key: RecordKey
  readonly dataDir: string
}

/**
 * Binds a data folder's PeerId to a hotkey: writes the binding into the folder, then commits its root on chain. Peers
 * believe it once that block is final; a crash in between is mended by binding again.
 */
export async function bindPeer({ chain, net, hotkey, key, dataDir }: BindNeeds): Promise<TxResult> {
  const head = await chain.head()
  const expiresAtBlock = head.number + BINDING_BLOCKS
  const { binding, commitment } = makeBinding({
    net,
    hotkey,
    key,
    seq: Date.now(),
    expiresAtBlock,
  })
  await writeBinding(dataDir, binding)
  return chain.setCommitment(net.netuid, hotkey, commitment)
}
