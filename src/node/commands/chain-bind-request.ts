import { decodeAddress } from '../../chain/ss58.ts'
import { messageOf, NodeError } from '../../errors.ts'
import { requestSheet, sheetText } from '../../protocols/binding-sheet.ts'
import { ownConsent } from '../bind-peer.ts'
import { createOutput } from '../output.ts'
import { withChain } from '../with-chain.ts'
import type { Run } from './command.ts'
import { ownIdentity } from './own-keys.ts'

/** Prints this data folder's signed consent to work for a hotkey whose wallet lies on another machine. */
export const chainBindRequest: Run = async (context) => {
  const { args, config, terminal } = context
  const hotkey = hotkeyOf(args[0]!)
  const { peerId, recordKey: key } = await ownIdentity(context)
  return withChain(context, async ({ chain, net }) => {
    const member = await ownConsent({ chain, net, key }, hotkey)
    const { seq, expiresAtBlock } = member
    const text = sheetText(requestSheet(net, hotkey, member))
    const out = createOutput(terminal, config)
    out.value({ peerId, hotkey: args[0], seq, expiresAtBlock, text }, () => text, text)
    out.note('give this to the machine with the hotkey: compute-node chain bind add FILE')
    return 0
  })
}

function hotkeyOf(address: string): Uint8Array {
  try {
    return decodeAddress(address)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_USAGE', messageOf(cause), {
      cause,
      next: 'copy the address again: compute-node wallet list prints it where the wallet lies',
    })
  }
}
