import { verifyHotkeySignature } from '../chain/keys.ts'
import { encodeAddress } from '../chain/ss58.ts'
import { NodeError } from '../errors.ts'
import { flawInBinding } from '../protocols/binding.ts'
import {
  type BindingMember,
  type BindingSheet,
  bindingIn,
  consent,
  sheetRoot,
  withMembers,
} from '../protocols/binding-sheet.ts'
import type { Binding } from '../protocols/capability.ts'
import type { RecordKey } from '../protocols/signed.ts'
import { changeBindings, type HotkeyBindings } from './hotkey-bindings.ts'
import { BINDING_BLOCKS, readBinding, writeBinding } from './own-binding.ts'
import { readCommitment } from './own-commitment.ts'
import { keepSheets, keptSheets, nodeSheets } from './sheet-file.ts'

export interface BindNeeds extends HotkeyBindings {
  /** The PeerId's key of the data folder. */
  readonly key: RecordKey
  readonly dataDir: string
}

/** A data folder's consent to work for a hotkey, good for about 30 days of 12 s blocks. */
export async function ownConsent(
  { chain, net, key }: Pick<BindNeeds, 'chain' | 'net' | 'key'>,
  hotkey: Uint8Array,
): Promise<BindingMember> {
  const { number } = await chain.head()
  const times = { seq: Date.now(), expiresAtBlock: number + BINDING_BLOCKS }
  return consent(net, hotkey, key, times)
}

/**
 * The other hotkey, SS58, that a data folder's PeerId works for on the chain now: peers go on believing that one, the
 * earlier, until it lets the PeerId go. Undefined when there is none. To be asked before a new binding is written.
 */
export async function earlierHotkey(
  { chain, net, key, dataDir }: Omit<BindNeeds, 'hotkey' | 'file'>,
  hotkey: Uint8Array,
): Promise<string | undefined> {
  const before = await readBinding(dataDir)
  if (before === undefined || Buffer.compare(before.hotkey, hotkey) === 0) return undefined
  const address = encodeAddress(before.hotkey)
  const commitment = await readCommitment(chain, net.netuid, address)
  if (commitment === undefined) return undefined
  const { number: headBlock } = await chain.head()
  const facts = { net, peerKey: key.publicKey, headBlock, checkHotkey: verifyHotkeySignature }
  return flawInBinding(before, { ...facts, commitment }) === undefined ? address : undefined
}

/**
 * Binds a data folder's PeerId to a hotkey beside those it binds already: writes the binding into the folder, then
 * commits its root on chain. Peers believe it once that block is final; a crash in between is mended by binding again.
 */
export async function bindPeer(needs: BindNeeds): Promise<Binding> {
  const { net, hotkey, key, dataDir } = needs
  const own = await ownConsent(needs, hotkey.publicKey)
  const sheet = await changeBindings(
    needs,
    (members) => withMembers(members, [own]),
    (next) => takeSheet({ net, key, dataDir }, next).then(() => undefined),
  )
  return bindingIn(net, sheet, key.publicKey)!
}

/**
 * Takes a node's binding from the sheets that came back from the machine with the hotkey.
 * @throws BAD_CONFIG_BINDING when none names this PeerId, or the chain does not hold it
 */
export async function acceptSheet(
  needs: Omit<BindNeeds, 'hotkey' | 'file'>,
  sheets: readonly BindingSheet[],
): Promise<Binding> {
  const { chain, net, key } = needs
  const { number: headBlock } = await chain.head()
  let flaw = 'it does not name the PeerId of this data folder'
  for (const sheet of sheets) {
    const binding = bindingIn(net, sheet, key.publicKey)
    if (binding === undefined) continue
    const commitment = await readCommitment(chain, net.netuid, encodeAddress(sheet.hotkey))
    const facts = { net, peerKey: key.publicKey, headBlock, checkHotkey: verifyHotkeySignature }
    if (Buffer.compare(sheet.netDigest, net.digest) !== 0) flaw = 'it is of another network'
    else if (commitment === undefined) flaw = 'the hotkey committed to no bindings'
    else flaw = flawInBinding(binding, { ...facts, commitment }) ?? ''
    if (flaw === '') return takeSheet(needs, sheet)
  }
  throw new NodeError('BAD_CONFIG_BINDING', `the binding does not hold: ${flaw}`, {
    next: 'ask for the newest file of the machine with the hotkey: compute-node chain bind list says where it lies',
  })
}

/** Keeps a sheet that names this PeerId, and its binding from it. */
export async function takeSheet(
  { net, key, dataDir }: Pick<BindNeeds, 'net' | 'key' | 'dataDir'>,
  sheet: BindingSheet,
): Promise<Binding> {
  const binding = bindingIn(net, sheet, key.publicKey)!
  const root = sheetRoot(net, sheet)
  const before = (await keptSheets(nodeSheets(dataDir))).filter(
    (one) => Buffer.compare(sheetRoot(net, one), root) !== 0,
  )
  await keepSheets(nodeSheets(dataDir), [sheet, ...before])
  await writeBinding(dataDir, binding)
  return binding
}
