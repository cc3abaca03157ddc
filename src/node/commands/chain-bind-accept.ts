import { encodeAddress } from '../../chain/ss58.ts'
import { acceptSheet, earlierHotkey } from '../bind-peer.ts'
import { createOutput } from '../output.ts'
import { givenSheets } from '../sheet-file.ts'
import { withChain } from '../with-chain.ts'
import { earlierNote } from './chain-bind.ts'
import type { Run } from './command.ts'
import { ownIdentity } from './own-keys.ts'

/** Takes this data folder's binding from the file that the machine with the hotkey gave back, if the chain holds it. */
export const chainBindAccept: Run = async (context) => {
  const { args, config, terminal } = context
  const sheets = await givenSheets(args[0]!, terminal.stdin)
  const { peerId, recordKey: key } = await ownIdentity(context)
  return withChain(context, async ({ chain, net }) => {
    const { dataDir } = config
    const needs = { chain, net, key, dataDir }
    const earlier = await earlierHotkey(needs, sheets[0]!.hotkey)
    const { binding, isHeld } = await acceptSheet(needs, sheets)
    const { hotkey, seq, expiresAtBlock } = binding
    const address = encodeAddress(hotkey)
    const out = createOutput(terminal, config)
    out.value(
      { peerId, hotkey: address, seq, expiresAtBlock, held: isHeld },
      () =>
        isHeld
          ? `${peerId} works for ${address} until block ${expiresAtBlock}`
          : `kept: ${peerId} tells it beside what holds now, and it counts once ${address} commits to it`,
      peerId,
    )
    if (earlier !== undefined) out.note(earlierNote(earlier, peerId))
    return 0
  })
}
