import { bindPeer, earlierHotkey } from '../bind-peer.ts'
import { createOutput } from '../output.ts'
import { walletSheets } from '../sheet-file.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'
import { ownHotkey, ownIdentity, sheetsHere } from './own-keys.ts'

/** Binds the data folder's PeerId to the wallet's hotkey, on chain and in the folder; a running node picks it up. */
export const chainBind: Run = async (context) => {
  const { config, terminal } = context
  const hotkey = await ownHotkey(context)
  const { peerId, recordKey: key } = await ownIdentity(context)
  return withChain(context, async ({ chain, net }) => {
    const { dataDir, replace } = config
    const file = walletSheets(config, net, hotkey.address)
    const others = await sheetsHere(context, net)
    const earlier = await earlierHotkey({ chain, net, key, dataDir }, hotkey.publicKey)
    const binding = await bindPeer({ chain, net, hotkey, key, dataDir, file, others, replace })
    const { seq, expiresAtBlock } = binding
    const result = { peerId, hotkey: hotkey.address, seq, expiresAtBlock }
    const out = createOutput(terminal, config)
    out.value(
      result,
      () => `${peerId} works for ${hotkey.address} until block ${expiresAtBlock}`,
      peerId,
    )
    if (earlier !== undefined) out.note(earlierNote(earlier, peerId))
    if (binding.path.length > 0)
      out.note(
        `its other nodes are not believed until they take the new file: compute-node chain bind accept ${file} (without that gap: chain bind request, then add --prepare)`,
      )
    return 0
  })
}

/** What whoever has the earlier hotkey must do before peers believe the new one. */
export const earlierNote = (hotkey: string, peerId: string): string =>
  `${hotkey} bound it earlier, and has it until its binding ends or its owner runs: compute-node chain bind remove ${peerId}`
