import { loadHotkey } from '../../chain/wallet.ts'
import { bindPeer } from '../bind-peer.ts'
import { createDataFolder } from '../data-folder.ts'
import { type Identity, loadIdentity } from '../identity.ts'
import { createLog } from '../log-to-stderr.ts'
import { createOutput } from '../output.ts'
import { walletSheets } from '../sheet-file.ts'
import { walletPlace } from '../wallet-place.ts'
import { withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'

/** Binds the data folder's PeerId to the wallet's hotkey, on chain and in the folder; a running node picks it up. */
export const chainBind: Run = async (context) => {
  const { config, terminal } = context
  const hotkey = await loadHotkey(walletPlace(config))
  const { peerId, recordKey: key } = await ownIdentity(context)
  return withChain(context, async ({ chain, net }) => {
    const { dataDir, replace } = config
    const file = walletSheets(config, net, hotkey.address)
    const binding = await bindPeer({ chain, net, hotkey, key, dataDir, file, replace })
    const { seq, expiresAtBlock } = binding
    const result = { peerId, hotkey: hotkey.address, seq, expiresAtBlock }
    const out = createOutput(terminal, config)
    out.value(
      result,
      () => `${peerId} works for ${hotkey.address} until block ${expiresAtBlock}`,
      peerId,
    )
    if (binding.path.length > 0)
      out.note(`its other nodes need the new file now: compute-node chain bind accept ${file}`)
    return 0
  })
}

/** The PeerId of the data folder, made where there is none. */
export async function ownIdentity({ config }: CommandContext): Promise<Identity> {
  const { keyFile } = await createDataFolder(config.dataDir)
  const log = createLog({ level: config.logLevel, json: config.json })
  return loadIdentity(keyFile, log)
}
