import { verifyHotkeySignature } from '../chain/keys.ts'
import { encodeAddress } from '../chain/ss58.ts'
import { NodeError } from '../errors.ts'
import { type BindingCommitment, flawInBinding } from '../protocols/binding.ts'
import {
  type BindingMember,
  type BindingSheet,
  bindingIn,
  consent,
  NOBODY,
  sheetRoot,
  withMembers,
} from '../protocols/binding-sheet.ts'
import type { Binding } from '../protocols/capability.ts'
import type { RecordKey } from '../protocols/seal.ts'
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
 * Binds a data folder's PeerId to a hotkey beside those it binds already: keeps the sheet in the folder, commits its root
 * on chain, then takes the binding. Peers believe it once that block is final; a crash in between is mended by binding
 * again, or by the running node.
 */
export async function bindPeer(needs: BindNeeds): Promise<Binding> {
  const own = await ownConsent(needs, needs.hotkey.publicKey)
  const sheet = await changeBindings(
    needs,
    (members) => withMembers(members, [own]),
    (next) => keepSheet(needs, next),
  )
  return takeSheet(needs, sheet)
}

/** A binding that was taken, and whether the chain holds it already. */
export interface AcceptedBinding {
  readonly binding: Binding
  /** False for one that was prepared: it counts once its hotkey commits to it, and the one before until then. */
  readonly isHeld: boolean
}

/**
 * Takes a node's binding from the sheets that came from the machine with the hotkey: one that the chain holds, or one
 * that was prepared on what the chain holds.
 * @throws BAD_CONFIG_BINDING when none names this PeerId, or the chain does not hold it
 */
export async function acceptSheet(
  needs: Omit<BindNeeds, 'hotkey' | 'file'>,
  sheets: readonly BindingSheet[],
): Promise<AcceptedBinding> {
  const { chain, net, key } = needs
  const { number: headBlock } = await chain.head()
  const facts = { net, peerKey: key.publicKey, headBlock, checkHotkey: verifyHotkeySignature }
  let flaw: string | undefined = 'it does not name the PeerId of this data folder'
  for (const sheet of sheets) {
    const binding = bindingIn(net, sheet, key.publicKey)
    if (binding === undefined) continue
    const commitment = await readCommitment(chain, net.netuid, encodeAddress(sheet.hotkey))
    if (!same(sheet.netDigest, net.digest)) flaw = 'it is of another network'
    else if (commitment === undefined) flaw = 'the hotkey committed to no bindings'
    else flaw = flawInBinding(binding, { ...facts, commitment })
    if (flaw === undefined) return { binding: await takeSheet(needs, sheet), isHeld: true }
    if (!isPreparedOn(sheet, commitment)) continue
    const wouldBe = { seq: 0, bindingsRoot: sheetRoot(net, sheet), recordsRoot: NOBODY }
    flaw = flawInBinding(binding, { ...facts, commitment: wouldBe })
    if (flaw !== undefined) continue
    await keepSheet(needs, sheet)
    return { binding, isHeld: false }
  }
  throw new NodeError('BAD_CONFIG_BINDING', `the binding does not hold: ${flaw}`, {
    next: 'ask for the newest file of the machine with the hotkey: compute-node chain bind list says where it lies',
  })
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const isPreparedOn = (
  { preparedOn }: BindingSheet,
  commitment: BindingCommitment | undefined,
): boolean => preparedOn !== undefined && same(preparedOn, commitment?.bindingsRoot ?? NOBODY)

type Folder = Pick<BindNeeds, 'net' | 'key' | 'dataDir'>

/** Keeps a sheet that names this PeerId, beside the one before it: which of them counts is the chain's to say. */
export async function keepSheet({ net, dataDir }: Folder, sheet: BindingSheet): Promise<void> {
  const root = sheetRoot(net, sheet)
  const before = (await keptSheets(nodeSheets(dataDir))).filter(
    (one) => !same(sheetRoot(net, one), root),
  )
  await keepSheets(nodeSheets(dataDir), [sheet, ...before])
}

/** The same for one that the chain holds: its binding is what the node tells from now on. */
export async function takeSheet(folder: Folder, sheet: BindingSheet): Promise<Binding> {
  const binding = bindingIn(folder.net, sheet, folder.key.publicKey)!
  await keepSheet(folder, sheet)
  await writeBinding(folder.dataDir, binding)
  return binding
}
