import { NodeError } from '../../errors.ts'
import type { BindingMember } from '../../protocols/binding-sheet.ts'
import { keyOfPeerId, peerIdOfKey } from '../../protocols/peer-key.ts'
import { changeBindings } from '../hotkey-bindings.ts'
import { walletSheets } from '../sheet-file.ts'
import { withChain } from '../with-chain.ts'
import { tellSheet } from './chain-bind-add.ts'
import type { Run } from './command.ts'
import { keepOwn, ownHotkey, sheetsHere, takeOwn } from './own-keys.ts'

/** Revokes PeerIds: once the block is final, no peer believes that they work for the wallet's hotkey. */
export const chainBindRemove: Run = async (context) => {
  const { args, config } = context
  const hotkey = await ownHotkey(context)
  for (const peerId of args) checked(peerId)
  const gone = new Set(args)
  return withChain(context, async ({ chain, net }) => {
    const file = walletSheets(config, net, hotkey.address)
    const { prepare } = config
    const needs = { chain, net, hotkey, file, others: await sheetsHere(context, net), prepare }
    const change = (members: readonly BindingMember[]) => {
      const bound = new Set(members.map(({ peerKey }) => peerIdOfKey(peerKey)))
      const unknown = args.find((peerId) => !bound.has(peerId))
      if (unknown !== undefined) {
        throw new NodeError('NOTHING_MATCHED', `${hotkey.address} does not bind ${unknown}`, {
          next: 'compute-node chain bind list shows whom it binds',
        })
      }
      return members.filter(({ peerKey }) => !gone.has(peerIdOfKey(peerKey)))
    }
    const sheet = await changeBindings(needs, change, (next) => keepOwn(context, net, next))
    if (!prepare) await takeOwn(context, net, sheet)
    tellSheet(context, hotkey.address, sheet, file)
    return 0
  })
}

function checked(peerId: string): void {
  try {
    keyOfPeerId(peerId)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_USAGE', `${peerId} is no PeerId`, {
      cause,
      next: 'compute-node chain bind list shows whom the hotkey binds',
    })
  }
}
