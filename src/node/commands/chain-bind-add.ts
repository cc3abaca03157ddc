import {
  type BindingSheet,
  checkedMembers,
  sheetText,
  withMembers,
} from '../../protocols/binding-sheet.ts'
import { peerIdOfKey } from '../../protocols/peer-key.ts'
import { changeBindings } from '../hotkey-bindings.ts'
import { createOutput } from '../output.ts'
import { givenSheets, walletSheets } from '../sheet-file.ts'
import { withChain } from '../with-chain.ts'
import type { CommandContext, Run } from './command.ts'
import { keepOwn, ownHotkey, sheetsHere, takeOwn } from './own-keys.ts'

/** Lets the wallet's hotkey vouch for the PeerIds of other machines, from the requests they printed. */
export const chainBindAdd: Run = async (context) => {
  const { args, config, terminal } = context
  const hotkey = await ownHotkey(context)
  const given: BindingSheet[] = []
  for (const file of args) given.push(...(await givenSheets(file, terminal.stdin)))
  return withChain(context, async ({ chain, net }) => {
    const coming = given.flatMap((sheet) => checkedMembers(net, hotkey.publicKey, sheet))
    const file = walletSheets(config, net, hotkey.address)
    const others = [...given, ...(await sheetsHere(context, net))]
    const { replace, prepare } = config
    const needs = { chain, net, hotkey, file, others, replace, prepare }
    const sheet = await changeBindings(
      needs,
      (members) => withMembers(members, coming),
      (next) => keepOwn(context, net, next),
    )
    if (!prepare) await takeOwn(context, net, sheet)
    tellSheet(context, hotkey.address, sheet, file)
    return 0
  })
}

/** Prints the sheet that the nodes need, and where it is kept. */
export function tellSheet(
  { terminal, config }: CommandContext,
  hotkey: string,
  sheet: BindingSheet,
  file: string,
): void {
  const peers = sheet.members.map(({ peerKey }) => peerIdOfKey(peerKey))
  const text = sheetText(sheet)
  const out = createOutput(terminal, config)
  out.value({ hotkey, peers, file, text }, () => text, text)
  if (config.prepare) {
    out.note(`nothing is committed yet; this is kept in ${file}`)
    out.note('each node takes it now: compute-node chain bind accept FILE')
    out.note('then run the same again without --prepare: no node is unbound meanwhile')
    return
  }
  out.note(`${hotkey} binds ${peers.length} PeerIds now; this is kept in ${file}`)
  if (peers.length > 0)
    out.note(
      'each of them that did not take it beforehand (--prepare) is not believed until it does: compute-node chain bind accept FILE',
    )
}
