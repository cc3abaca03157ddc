import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { NodeError } from '../errors.ts'
import { exists, loadKey, newPhrase, taken, unreadable, writeKey } from './key-file.ts'
import type { Hotkey, KeyType } from './keys.ts'

/** Where a wallet's files lie: `<path>/<name>/{coldkey, coldkeypub.txt, hotkeys/<hotkey>}`, as btcli lays them out. */
export interface WalletPlace {
  /** Folder of all wallets; `~` is the home folder. */
  readonly path: string
  readonly name: string
  readonly hotkey: string
}

export const DEFAULT_WALLET_PATH = '~/.bittensor/wallets'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

const expand = (path: string): string =>
  path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path

function folderOf({ path, name }: Pick<WalletPlace, 'path' | 'name'>): string {
  if (!NAME.test(name)) throw badName('wallet', name)
  return join(expand(path), name)
}

function hotkeyFile(place: WalletPlace): string {
  if (!NAME.test(place.hotkey)) throw badName('hotkey', place.hotkey)
  return join(folderOf(place), 'hotkeys', place.hotkey)
}

const badName = (what: string, name: string): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `${JSON.stringify(name)} is no ${what} name`, {
    next: 'use letters, digits, dot, dash and underscore',
  })

/** A wallet's two keys. */
export interface Wallet {
  readonly coldkey: Hotkey
  readonly hotkey: Hotkey
}

/**
 * Creates a hotkey, and a coldkey where the wallet has none, as unencrypted files of mode 0600.
 * @throws BAD_CONFIG_WALLET when the hotkey exists: no key is ever overwritten
 */
export async function createWallet(place: WalletPlace, type: KeyType = 'sr25519'): Promise<Wallet> {
  const hotkeyPath = hotkeyFile(place)
  if (await exists(hotkeyPath)) throw taken(hotkeyPath)
  const coldkeyPath = join(folderOf(place), 'coldkey')
  const coldkey = (await exists(coldkeyPath))
    ? await loadKey(coldkeyPath)
    : await writeKey(coldkeyPath, 'sr25519', newPhrase())
  const hotkey = await writeKey(hotkeyPath, type, newPhrase())
  return { coldkey, hotkey }
}

/** Writes a hotkey from its 12 to 24 words; BAD_CONFIG_WALLET when the file exists or the words are wrong. */
export async function importHotkey(
  place: WalletPlace,
  words: string,
  type: KeyType = 'sr25519',
): Promise<Hotkey> {
  return writeKey(hotkeyFile(place), type, words.trim().split(/\s+/).join(' '))
}

/** The hotkey of a wallet; BAD_CONFIG_WALLET when it is missing, encrypted or unreadable. */
export const loadHotkey = async (place: WalletPlace): Promise<Hotkey> => loadKey(hotkeyFile(place))

/** The coldkey of a wallet; an encrypted one is refused with advice. */
export const loadColdkey = async (place: Pick<WalletPlace, 'path' | 'name'>): Promise<Hotkey> =>
  loadKey(join(folderOf(place), 'coldkey'))

export interface WalletEntry {
  readonly name: string
  readonly hotkeys: readonly string[]
}

/** The wallets of a folder and the names of their hotkeys, sorted; empty when the folder does not exist. */
export async function listWallets(path: string): Promise<WalletEntry[]> {
  const names = await namesIn(expand(path))
  const entries = names.map(async (name) => ({
    name,
    hotkeys: (await namesIn(join(expand(path), name, 'hotkeys'))).filter(
      (file) => !file.endsWith('pub.txt'),
    ),
  }))
  return Promise.all(entries)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => NAME.test(name)).sort()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(folder, cause)
  }
}
