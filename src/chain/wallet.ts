import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { NodeError } from '../errors.ts'
import { loadKey, newPhrase, parsed, readKeyFile, statedPublicKey, unreadable } from './key-file.ts'
import type { Passwords } from './key-password.ts'
import type { Hotkey, KeyType } from './keys.ts'
import { isSealed } from './sealed-key.ts'
import { encodeAddress } from './ss58.ts'
import { exists, rewriteKey, taken, writeKey } from './write-key.ts'

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

/** Which of a wallet's two keys. */
export type KeyRole = 'coldkey' | 'hotkey'

/** Where a wallet's key lies; BAD_CONFIG_WALLET for names that would leave the folder. */
export const keyPath = (place: WalletPlace, role: KeyRole): string =>
  role === 'coldkey' ? join(folderOf(place), 'coldkey') : hotkeyFile(place)

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

/** What `createWallet` made or found. */
export interface CreatedWallet {
  readonly hotkey: Hotkey
  /** SS58; null where the coldkey is encrypted and its public part is missing. */
  readonly coldkey: string | null
  readonly newColdkey: boolean
}

/**
 * Creates a hotkey, unencrypted, and a coldkey where the wallet has none, under the password that `protect` gives.
 * @throws BAD_CONFIG_WALLET when the hotkey exists: no key is ever overwritten
 */
export async function createWallet(
  place: WalletPlace,
  type: KeyType = 'sr25519',
  protect: (path: string) => Promise<string | undefined> = async () => undefined,
): Promise<CreatedWallet> {
  const hotkeyPath = hotkeyFile(place)
  if (await exists(hotkeyPath)) throw taken(hotkeyPath)
  const coldkeyPath = keyPath(place, 'coldkey')
  const newColdkey = !(await exists(coldkeyPath))
  if (newColdkey) {
    const password = await protect(coldkeyPath)
    await writeKey(coldkeyPath, { type: 'sr25519', secret: newPhrase(), password })
  }
  const hotkey = await writeKey(hotkeyPath, { type, secret: newPhrase() })
  return { hotkey, coldkey: (await describeKey(coldkeyPath)).address, newColdkey }
}

/**
 * Writes a key from its 12 to 24 words or its seed in hex.
 * @throws BAD_CONFIG_WALLET when the file exists or the words are wrong
 */
export const importKey = (
  place: WalletPlace,
  role: KeyRole,
  secret: string,
  { type = 'sr25519', password }: { type?: KeyType; password?: string | undefined } = {},
): Promise<Hotkey> => writeKey(keyPath(place, role), { type, secret, password })

/** Puts a wallet's key under the password that `next` gives, or under none. */
export const changePassword = (
  place: WalletPlace,
  role: KeyRole,
  passwords: Passwords,
  next: () => Promise<string | undefined>,
): Promise<Hotkey> => rewriteKey(keyPath(place, role), passwords, next)

/** The hotkey of a wallet; BAD_CONFIG_WALLET when it is missing or unreadable, or its password is. */
export const loadHotkey = async (place: WalletPlace, passwords?: Passwords): Promise<Hotkey> =>
  loadKey(hotkeyFile(place), passwords)

/** The coldkey of a wallet; BAD_CONFIG_WALLET when it is missing or unreadable, or its password is. */
export const loadColdkey = async (
  place: Pick<WalletPlace, 'path' | 'name'>,
  passwords?: Passwords,
): Promise<Hotkey> => loadKey(join(folderOf(place), 'coldkey'), passwords)

/** What can be said of a key file without its password. */
export interface KeyDescription {
  /** SS58; null when neither the file nor its public part tells. */
  readonly address: string | null
  readonly keyType: KeyType | null
  /** Null when there is only the public part. */
  readonly encrypted: boolean | null
}

/** Describes a key by its public part, or by what an unencrypted file says of itself; asks for no password. */
export async function describeKey(path: string): Promise<KeyDescription> {
  const unknown = { address: null, keyType: null }
  const bytes = (await exists(path)) ? await readKeyFile(path) : undefined
  const encrypted = bytes === undefined ? null : isSealed(bytes) || !isObject(bytes)
  const publicPath = `${path}pub.txt`
  const source = (await exists(publicPath)) ? await readKeyFile(publicPath) : bytes
  if (source === undefined || !isObject(source)) return { ...unknown, encrypted }
  try {
    const file = parsed(path, source)
    const stated = statedPublicKey(file)
    const address = stated === undefined ? (await loadKey(path)).address : encodeAddress(stated)
    return { address, keyType: file.keyType ?? 'sr25519', encrypted }
  } catch {
    return { ...unknown, encrypted } // a listing names what it cannot read, and goes on
  }
}

const isObject = (bytes: Uint8Array): boolean =>
  Buffer.from(bytes.subarray(0, 64)).toString('latin1').trimStart().startsWith('{')

export interface WalletEntry {
  readonly name: string
  readonly hasColdkey: boolean
  readonly hotkeys: readonly string[]
}

/** The wallets of a folder and the names of their hotkeys, sorted; empty when the folder does not exist. */
export async function listWallets(path: string): Promise<WalletEntry[]> {
  const names = await namesIn(expand(path))
  const entries = names.map(async (name) => {
    const files = await namesIn(join(expand(path), name))
    const hotkeys = await namesIn(join(expand(path), name, 'hotkeys'))
    return {
      name,
      hasColdkey: files.includes('coldkey') || files.includes('coldkeypub.txt'),
      hotkeys: hotkeys.filter((file) => !/pub\.txt$|\.tmp$/.test(file)),
    }
  })
  return Promise.all(entries)
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => NAME.test(name)).sort()
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? '')) return []
    throw unreadable(folder, cause)
  }
}
