import { peerIdOfKey } from '../../protocols/peer-key.ts'
import { heldBindings } from '../hotkey-bindings.ts'
import { createOutput } from '../output.ts'
import { walletSheets } from '../sheet-file.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'
import { ownAddress, sheetsHere } from './own-keys.ts'

/** One PeerId as `chain bind list --json` prints it. */
export interface BoundPeerRow {
  readonly peerId: string
  readonly seq: number
  readonly expiresAtBlock: number
  readonly expired: boolean
}

/** Lists the PeerIds that the wallet's hotkey binds, at the newest final block. */
export const chainBindList: Run = async (context) => {
  const { config, terminal } = context
  const address = await ownAddress(context)
  return withChain(context, async ({ chain, net }) => {
    const file = walletSheets(config, net, address)
    const others = await sheetsHere(context, net)
    const { sheet } = await heldBindings({ chain, net, address, file, others })
    const { number } = await chain.head()
    const rows = (sheet?.members ?? []).map(
      ({ peerKey, seq, expiresAtBlock }): BoundPeerRow => ({
        peerId: peerIdOfKey(peerKey),
        seq,
        expiresAtBlock,
        expired: expiresAtBlock <= number,
      }),
    )
    const out = createOutput(terminal, config)
    out.list(rows, {
      id: ({ peerId }) => peerId,
      none: `${address} binds nobody`,
      columns: [
        { title: 'PEER', value: ({ peerId }) => peerId },
        { title: 'UNTIL BLOCK', value: ({ expiresAtBlock }) => expiresAtBlock, align: 'right' },
        { title: 'STATE', value: ({ expired }) => (expired ? 'expired' : 'bound') },
      ],
    })
    if (sheet !== undefined) out.note(`block ${number}; the file for its nodes is ${file}`)
    return 0
  })
}
