import type { Hotkey } from '../../chain/keys.ts'
import { describeKey, keyPath, loadHotkey } from '../../chain/wallet.ts'
import { type BindingSheet, bindingIn, sheetOfLone } from '../../protocols/binding-sheet.ts'
import type { Network } from '../../protocols/network.ts'
import { keepSheet, takeSheet } from '../bind-peer.ts'
import { createDataFolder } from '../data-folder.ts'
import { type Identity, loadIdentity } from '../identity.ts'
import { createLog } from '../log-to-stderr.ts'
import { readBinding } from '../own-binding.ts'
import { keptSheets, nodeSheets } from '../sheet-file.ts'
import { walletPlace } from '../wallet-place.ts'
import { askingPasswords } from './ask-password.ts'
import type { CommandContext } from './command.ts'

/** The hotkey of the configured wallet; BAD_CONFIG_WALLET when there is none. */
export const ownHotkey = (context: CommandContext): Promise<Hotkey> =>
  loadHotkey(walletPlace(context.config), askingPasswords(context))

/** The address of that hotkey, without its secret where its files tell it. */
export async function ownAddress(context: CommandContext): Promise<string> {
  const { address } = await describeKey(keyPath(walletPlace(context.config), 'hotkey'))
  return address ?? (await ownHotkey(context)).address
}

/** The PeerId of the data folder, made where there is none. */
export async function ownIdentity({ config }: CommandContext): Promise<Identity> {
  const { keyFile } = await createDataFolder(config.dataDir)
  const log = createLog({ level: config.logLevel, json: config.json })
  return loadIdentity(keyFile, log)
}

/** What this data folder knows of its hotkey's PeerIds: the sheets it took, or its own binding when it is the only one. */
export async function sheetsHere(context: CommandContext, net: Network): Promise<BindingSheet[]> {
  const { dataDir } = context.config
  const sheets = await keptSheets(nodeSheets(dataDir))
  const binding = await readBinding(dataDir)
  if (binding === undefined) return sheets
  const { recordKey } = await ownIdentity(context)
  const lone = sheetOfLone(net, binding, recordKey.publicKey)
  return lone === undefined ? sheets : [...sheets, lone]
}

/** Keeps a sheet for the node of this very data folder, where its hotkey binds it: the running node picks it up. */
export const keepOwn = (
  context: CommandContext,
  net: Network,
  sheet: BindingSheet,
): Promise<void> => forOwn(context, net, sheet, keepSheet)

/** The same once the chain holds it. */
export const takeOwn = (
  context: CommandContext,
  net: Network,
  sheet: BindingSheet,
): Promise<void> => forOwn(context, net, sheet, takeSheet)

async function forOwn(
  context: CommandContext,
  net: Network,
  sheet: BindingSheet,
  work: typeof keepSheet | typeof takeSheet,
): Promise<void> {
  const { dataDir } = context.config
  const binding = await readBinding(dataDir)
  if (binding === undefined || Buffer.compare(binding.hotkey, sheet.hotkey) !== 0) return
  const { recordKey: key } = await ownIdentity(context)
  if (bindingIn(net, sheet, key.publicKey) === undefined) return
  await work({ net, key, dataDir }, sheet)
}
