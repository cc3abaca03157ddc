import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, messageOf, NodeError } from '../errors.ts'
import { type Hotkey, type KeyType, keyFromPrivateKey, keyFromSeed } from './keys.ts'
import { mnemonicWords } from './polkadot.ts'

/** The JSON of a key file; btcli writes all but `keyType`, which is ours and means sr25519 when absent. */
interface KeyFile {
  accountId?: string
  publicKey?: string
  privateKey?: string
  secretPhrase?: string
  secretSeed?: string
  ss58Address?: string
  keyType?: KeyType
}

/** The key of a file; BAD_CONFIG_WALLET when it is missing, encrypted or unreadable. */
export async function loadKey(path: string): Promise<Hotkey> {
  const bytes = await readKeyFile(path)
  const head = bytes.subarray(0, 14).toString('latin1')
  if (head.startsWith('$NACL')) {
    throw new NodeError('BAD_CONFIG_WALLET', `${path} is encrypted, which is not supported yet`, {
      next: 'use a hotkey without a password (btcli wallet new-hotkey makes one); coldkey operations can be done with btcli',
    })
  }
  if (head.startsWith('$ANSIBLE_VAULT') || head.startsWith('gAAAAA')) {
    throw new NodeError('BAD_CONFIG_WALLET', `${path} is encrypted in a legacy format`, {
      next: 'let a current btcli load it once: it rewrites the file',
    })
  }
  try {
    return await keyOf(JSON.parse(bytes.toString('utf8')) as KeyFile)
  } catch (cause) {
    if (codeOf(cause) !== 'FAILED') throw cause
    throw unreadable(path, cause)
  }
}

async function readKeyFile(path: string): Promise<Buffer> {
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

/** The seed is tried before the phrase, which costs a word list; the public key in the file tells whether it fits. */
async function keyOf(file: KeyFile): Promise<Hotkey> {
  const type = file.keyType ?? 'sr25519'
  const stated = file.publicKey ?? file.accountId
  const fits = (key: Hotkey) => stated === undefined || hex(key.publicKey) === stated.toLowerCase()
  if (file.secretSeed !== undefined) {
    const key = keyFromSeed(type, unhex(file.secretSeed))
    if (fits(key)) return key
  }
  if (file.secretPhrase !== undefined) {
    const key = keyFromSeed(type, phraseToSeed(file.secretPhrase))
    if (fits(key)) return key
  }
  if (file.privateKey !== undefined && type === 'sr25519') {
    const key = keyFromPrivateKey(unhex(file.privateKey))
    if (fits(key)) return key
  }
  throw new NodeError(
    'BAD_CONFIG_WALLET',
    'the key file holds no secret that fits its public key',
    {
      next: 'restore the key from its words: compute-node wallet import',
    },
  )
}

/** Writes a new key from its words, secret and public part, mode 0600; never over another file. */
export async function writeKey(path: string, type: KeyType, phrase: string): Promise<Hotkey> {
  const seed = phraseToSeed(phrase)
  const key = keyFromSeed(type, seed)
  const publicPart = {
    accountId: hex(key.publicKey),
    publicKey: hex(key.publicKey),
    ss58Address: key.address,
    ...(type === 'sr25519' ? {} : { keyType: type }),
  }
  const secretPart = { secretPhrase: phrase, secretSeed: hex(seed) }
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
  await writeNew(path, JSON.stringify({ ...publicPart, ...secretPart }))
  await writeNew(`${path}pub.txt`, JSON.stringify(publicPart))
  return key
}

/** Written whole with mode 0600 or not at all, and never over another file. */
async function writeNew(path: string, text: string): Promise<void> {
  const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY
  try {
    await using file = await open(path, flags, 0o600)
    await file.writeFile(`${text}\n`)
    await file.sync()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') throw taken(path, cause)
    throw new NodeError('BAD_CONFIG_WALLET', `cannot write ${path}: ${messageOf(cause)}`, { cause })
  }
}

/** A file is in the way. */
export const taken = (path: string, cause?: unknown): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `${path} exists, and no key is overwritten`, {
    ...(cause === undefined ? {} : { cause }),
    next: 'choose another --wallet.name or --wallet.hotkey',
  })

/** A file or folder cannot be read. */
export const unreadable = (path: string, cause: unknown): NodeError =>
  new NodeError('BAD_CONFIG_WALLET', `cannot read ${path}: ${messageOf(cause)}`, {
    cause,
    next: 'check its owner and mode, or restore it from its words: compute-node wallet import',
  })

/** Whether something lies at a path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw unreadable(path, cause)
  }
}

/** Twelve new secret words. */
export const newPhrase = (): string => mnemonicWords().entropyToMnemonic(randomBytes(16))

/** Substrate's way from words to a seed: PBKDF2 over the entropy, not over the text as in BIP-39. */
function phraseToSeed(phrase: string): Uint8Array {
  const { mnemonicToEntropy } = mnemonicWords()
  let entropy: Uint8Array
  try {
    entropy = mnemonicToEntropy(phrase)
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_WALLET', 'these are no valid secret words', {
      cause,
      next: 'check the order and spelling of the 12 to 24 words',
    })
  }
  return new Uint8Array(pbkdf2Sync(entropy, 'mnemonic', 2048, 64, 'sha512').subarray(0, 32))
}

const hex = (bytes: Uint8Array): string => `0x${Buffer.from(bytes).toString('hex')}`

function unhex(text: string): Uint8Array {
  if (!/^(0x)?([0-9a-fA-F]{2})+$/.test(text)) throw new Error('not hexadecimal')
  return Uint8Array.from(Buffer.from(text.replace(/^0x/, ''), 'hex'))
}
