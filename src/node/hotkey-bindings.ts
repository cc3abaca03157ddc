import type { Chain } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import { codeOf, NodeError } from '../errors.ts'
import type { BindingCommitment } from '../protocols/binding.ts'
import {
  type BindingMember,
  type BindingSheet,
  NOBODY,
  sheetRoot,
  signedSheet,
} from '../protocols/binding-sheet.ts'
import type { Network } from '../protocols/network.ts'
import { changeCommitment, readCommitment } from './own-commitment.ts'
import { keepSheets, keptSheets } from './sheet-file.ts'

export interface HotkeyBindings {
  readonly chain: Chain
  readonly net: Network
  readonly hotkey: Hotkey
  /** Where all PeerIds of this hotkey are kept. */
  readonly file: string
  /** More sheets that may be what the chain holds: of files given, or of this machine's own node. */
  readonly others?: readonly BindingSheet[]
  /** Start anew where the chain holds PeerIds that nothing here names. */
  readonly replace?: boolean
  /** Sign and keep the sheet, to be handed out before the same change is committed. */
  readonly prepare?: boolean
}

/** What a hotkey binds, as far as it is known here. */
export interface Held {
  readonly commitment: BindingCommitment | undefined
  /** The sheet that the chain holds; undefined when it binds nobody. */
  readonly sheet: BindingSheet | undefined
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * The sheet whose root the chain holds: of the file, or of the others given, so that a lost file is rebuilt.
 * @throws BAD_CONFIG_BINDING when the chain holds PeerIds that nothing here names
 */
export async function heldBindings(
  needs: Omit<HotkeyBindings, 'hotkey'> & {
    readonly address: string
  },
): Promise<Held> {
  const { chain, net, address, file, others = [], replace = false } = needs
  const commitment = await readCommitment(chain, net.netuid, address)
  if (commitment === undefined || same(commitment.bindingsRoot, NOBODY))
    return { commitment, sheet: undefined }
  const sheets = [...(await keptSheets(file)), ...others]
  const sheet = sheets.find((one) => same(sheetRoot(net, one), commitment.bindingsRoot))
  if (sheet === undefined && !replace) {
    throw new NodeError(
      'BAD_CONFIG_BINDING',
      `${address} binds PeerIds that ${file} does not name`,
      {
        next: 'give the newest file of its nodes (chain bind add FILE), or --replace to bind only what you name now',
      },
    )
  }
  return { commitment, sheet }
}

/** How often a change is made anew because another machine committed while it was made. */
const TRIES = 3

/**
 * Changes who works for a hotkey: signs what is new, leaves out what has expired, keeps the sheet and commits its root.
 * What another machine committed meanwhile is read first. A crash in between is mended by doing it again: both sheets are
 * kept, and the chain says which it took.
 * @throws BAD_CONFIG_BINDING, and what `changeCommitment` throws
 */
export async function changeBindings(
  needs: HotkeyBindings,
  change: (members: readonly BindingMember[]) => readonly BindingMember[],
  beforeCommit: (sheet: BindingSheet) => Promise<void> = async () => undefined,
): Promise<BindingSheet> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await changeOnce(needs, change, beforeCommit)
    } catch (error) {
      if (left === 0 || codeOf(error) !== 'CHAIN_CHANGED') throw error
    }
  }
}

async function changeOnce(
  needs: HotkeyBindings,
  change: (members: readonly BindingMember[]) => readonly BindingMember[],
  beforeCommit: (sheet: BindingSheet) => Promise<void>,
): Promise<BindingSheet> {
  const { chain, net, hotkey, file } = needs
  const { commitment, sheet: held } = await heldBindings({ ...needs, address: hotkey.address })
  const { number } = await chain.head()
  const live = (held?.members ?? []).filter(({ expiresAtBlock }) => expiresAtBlock > number)
  const sheet = signedSheet(net, hotkey, change(live))
  const expired = sheet.members.some(({ expiresAtBlock }) => expiresAtBlock <= number)
  if (expired) {
    throw new NodeError('BAD_CONFIG_BINDING', 'the request has expired', {
      next: 'make it again on that machine',
    })
  }
  await keepSheets(file, [sheet, ...(held === undefined ? [] : [held])])
  await beforeCommit(sheet)
  if (needs.prepare === true) return { ...sheet, preparedOn: commitment?.bindingsRoot ?? NOBODY }
  const bindingsRoot = sheetRoot(net, sheet)
  if (commitment === undefined || !same(commitment.bindingsRoot, bindingsRoot)) {
    const change = { chain, netuid: net.netuid, hotkey, before: commitment }
    await changeCommitment({ ...change, roots: { bindingsRoot } })
  }
  return sheet
}
