import { loadHotkey } from '../../chain/wallet.ts'
import { NodeError } from '../../errors.ts'
import { bindPeer } from '../bind-peer.ts'
import { createDataFolder } from '../data-folder.ts'
import { loadIdentity } from '../identity.ts'
import { createLog } from '../log-to-stderr.ts'
import { createOutput } from '../output.ts'
import { readBinding } from '../own-binding.ts'
import { walletPlace } from '../wallet-place.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'

/** Binds the data folder's PeerId to the wallet's hotkey, on chain and in the folder; a running node picks it up. */
export const chainBind: Run = async (context) => {
  const { config, terminal } = context
  const hotkey = await loadHotkey(walletPlace(config))
  const { keyFile } = await createDataFolder(config.dataDir)
  const log = createLog({ level: config.logLevel, json: config.json })
  const { peerId, recordKey: key } = await loadIdentity(keyFile, log)
  return withChain(context, async ({ chain, net }) => {
    const { dataDir } = config
    await bindPeer({ chain, net, hotkey, key, dataDir })
    const binding = await readBinding(dataDir)
    if (binding === undefined) throw new NodeError('STORE_LOST', `no binding is left in ${dataDir}`)
    const { seq, expiresAtBlock } = binding
    const result = { peerId, hotkey: hotkey.address, seq, expiresAtBlock }
    createOutput(terminal, config).value(
      result,
      () => `${peerId} works for ${hotkey.address} until block ${expiresAtBlock}`,
      peerId,
    )
    return 0
  })
}
