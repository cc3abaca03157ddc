import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { fromHex, toHex } from './hex.ts'
import { type Passwords, passwordOf } from './key-password.ts'
import { type Hotkey, type KeyType, keyFromPrivateKey, keyFromSeed } from './keys.ts'
import { mnemonicWords } from './polkadot.ts'
import { deriveSealKey, isSealed, unseal } from './sealed-key.ts'
import { decodeAddress } from './ss58.ts'

/** The JSON of a key file; btcli writes all but `keyType`, which is ours and means sr25519 when absent. */
export interface KeyFile {
  accountId?: string
  publicKey?: string
  privateKey?: string
  secretPhrase?: string
  secretSeed?: string
  ss58Address?: string
  keyType?: KeyType
}

/** A key file as it lies on disk, opened. */
export interface OpenedKey {
  readonly key: Hotkey
  /** Its JSON as text, secrets included. */
  readonly plaintext: Uint8Array
  readonly encrypted: boolean
}

/**
 * The key of a file. A password comes from the environment (`passwordVariable`), else from `passwords`.
 * @throws BAD_CONFIG_WALLET when it is missing, unreadable, or its password is
 */
export const loadKey = async (path: string, passwords?: Passwords): Promise<Hotkey> =>
  (await openKey(path, passwords)).key

/** As `loadKey`, with what the file holds. */
export async function openKey(path: string, passwords?: Passwords): Promise<OpenedKey> {
  const bytes = await readKeyFile(path)
  const head = bytes.subarray(0, 14).toString('latin1')
  if (head.startsWith('$ANSIBLE_VAULT') || head.startsWith('gAAAAA')) {
    throw new NodeError('BAD_CONFIG_WALLET', `${path} is encrypted in a legacy format`, {
      next: 'let a current btcli load it once: it rewrites the file',
    })
  }
  const encrypted = isSealed(bytes)
  const plaintext = encrypted ? await opened(path, bytes, passwords) : bytes
  try {
    return { key: keyOf(parsed(path, plaintext)), plaintext, encrypted }
  } catch (cause) {
    if (codeOf(cause) !== 'FAILED') throw cause
    throw unreadable(path, cause)
  }
}

async function opened(path: string, bytes: Buffer, passwords?: Passwords): Promise<Uint8Array> {
  const plaintext = unseal(bytes, await deriveSealKey(await passwordOf(path, passwords)))
  if (plaintext !== undefined) return plaintext
  throw new NodeError('BAD_CONFIG_WALLET', `this is not the password of ${path}`, {
    next: 'try again; the words of the key restore it: compute-node wallet import',
  })
}

/** The parser's own words would quote the secrets around a mistake. */
export function parsed(path: string, plaintext: Uint8Array): KeyFile {
  try {
    const value: unknown = JSON.parse(Buffer.from(plaintext).toString('utf8'))
    if (typeof value === 'object' && value !== null) return value as KeyFile
  } catch {
    // said below
  }
  throw unreadable(path, new Error('it holds no JSON object'))
}

/** The bytes of a key file; BAD_CONFIG_WALLET when it is missing or unreadable. */
export async function readKeyFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unreadable(path, cause)
    throw new NodeError('BAD_CONFIG_WALLET', `there is no key ${path}`, {
      cause,
      next: 'run: compute-node wallet create, or set --wallet.path, --wallet.name, --wallet.hotkey',
    })
  }
}

/** The public key that a file states, 32 B; undefined when it states none. */
export function statedPublicKey(file: KeyFile): Uint8Array | undefined {
  const text = file.publicKey ?? file.accountId
  if (text !== undefined) return unhex(text)
  return file.ss58Address === undefined ? undefined : decodeAddress(file.ss58Address)
}

/** Any one secret is enough; of several, the first in btcli's order that fits the stated public key. */
function keyOf(file: KeyFile): Hotkey {
  const type = file.keyType ?? 'sr25519'
  const stated = statedPublicKey(file)
  for (const key of keysOf(file, type)) {
    if (stated === undefined || Buffer.compare(key.publicKey, stated) === 0) return key
  }
  throw new NodeError('BAD_CONFIG_WALLET', 'the key file holds no secret of its public key', {
    next: 'restore the key from its words: compute-node wallet import',
  })
}

function* keysOf({ secretPhrase, secretSeed, privateKey }: KeyFile, type: KeyType) {
  if (secretPhrase !== undefined) yield keyFromSeed(type, phraseToSeed(secretPhrase))
  if (secretSeed !== undefined) yield keyFromSeed(type, unhex(secretSeed))
  if (privateKey === undefined) return
  const bytes = unhex(privateKey)
  // An ed25519 private key is its seed and then its public key.
  if (type === 'ed25519') yield keyFromSeed(type, bytes.subarray(0, 32))
  else yield keyFromPrivateKey(bytes)
}

/** A file or folder cannot be read. */
export const unreadable = (path: string, cause: unknown): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `cannot read ${path}: ${messageOf(cause)}`, {
    cause,
    next: 'check its owner and mode, or restore it from its words: compute-node wallet import',
  })

/** Twelve new secret words. */
export const newPhrase = (): string => mnemonicWords().entropyToMnemonic(randomBytes(16))

/** Substrate's way from words to a seed: PBKDF2 over the entropy, not over the text as in BIP-39. */
export function phraseToSeed(phrase: string): Uint8Array {
  const { mnemonicToEntropy } = mnemonicWords()
  let entropy: Uint8Array
  try {
    entropy = mnemonicToEntropy(phrase)
  } catch {
    // Without the library's error: it may tell of the words.
    throw new NodeError('BAD_CONFIG_WALLET', 'these are no valid secret words', {
      next: 'check the order and spelling of the 12 to 24 words',
    })
  }
  return new Uint8Array(pbkdf2Sync(entropy, 'mnemonic', 2048, 64, 'sha512').subarray(0, 32))
}

/** The secrets of a key from its 12 to 24 words, or from its 32-byte seed in hex. */
export function secretsFrom(text: string): Pick<KeyFile, 'secretPhrase' | 'secretSeed'> {
  const trimmed = text.trim()
  if (/^(0x)?[0-9a-fA-F]{64}$/.test(trimmed)) return { secretSeed: toHex(unhex(trimmed)) }
  const secretPhrase = trimmed.split(/\s+/).join(' ')
  return { secretPhrase, secretSeed: toHex(phraseToSeed(secretPhrase)) }
}

function unhex(text: string): Uint8Array {
  const bytes = fromHex(text, 64)
  if (bytes === undefined || bytes.length === 0) throw new Error('a key in it is not hexadecimal')
  return bytes
}
