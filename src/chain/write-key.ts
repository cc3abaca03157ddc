import { randomBytes } from 'node:crypto'
import { link, lstat, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf, NodeError } from '../errors.ts'
import { toHex } from './hex.ts'
import { type KeyFile, openKey, parsed, readKeyFile, secretsFrom, unreadable } from './key-file.ts'
import type { Passwords } from './key-password.ts'
import { type Hotkey, type KeyType, keyFromSeed } from './keys.ts'
import { deriveSealKey, seal } from './sealed-key.ts'

/** A key to be written. */
export interface NewKey {
  readonly type: KeyType
  /** Its 12 to 24 words, or its 32-byte seed in hex. */
  readonly secret: string
  /** Encrypts the file; undefined leaves it readable to whoever reads the disk. */
  readonly password?: string | undefined
}

/**
 * Writes a key, secret and public part (`<path>pub.txt`), mode 0600, whole or not at all.
 * @throws BAD_CONFIG_WALLET for wrong words, and when either file exists: a public part of the same key may lie there
 */
export async function writeKey(path: string, { type, secret, password }: NewKey): Promise<Hotkey> {
  const secrets = secretsFrom(secret)
  const key = keyFromSeed(type, Buffer.from(secrets.secretSeed!.slice(2), 'hex'))
  const publicKey = toHex(key.publicKey)
  const publicPart: KeyFile = {
    accountId: publicKey,
    publicKey,
    ss58Address: key.address,
    ...(type === 'sr25519' ? {} : { keyType: type }),
  }
  if (await exists(path)) throw taken(path)
  const publicPath = `${path}pub.txt`
  const isThere = await hasPublicPart(publicPath, publicKey)
  const plaintext = Buffer.from(`${JSON.stringify({ ...publicPart, ...secrets })}\n`)
  const bytes = password === undefined ? plaintext : seal(plaintext, await deriveSealKey(password))
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await putNew(path, bytes)
  if (!isThere) await putNew(publicPath, Buffer.from(`${JSON.stringify(publicPart)}\n`))
  return key
}

/** A wallet that only watches has the public part alone; the key that belongs to it may join it. */
async function hasPublicPart(path: string, publicKey: string): Promise<boolean> {
  if (!(await exists(path))) return false
  const file = parsed(path, await readKeyFile(path))
  if ((file.publicKey ?? file.accountId)?.toLowerCase() === publicKey) return true
  throw taken(path)
}

/**
 * Writes a key's file again under another password; `undefined` takes the password off. The file is replaced in one
 * step: at every moment the old or the new one lies there.
 */
export async function rewriteKey(
  path: string,
  passwords: Passwords,
  next: () => Promise<string | undefined>,
): Promise<Hotkey> {
  const { key, plaintext } = await openKey(path, passwords)
  const password = await next()
  if (password !== undefined) passwords.working?.(path)
  const bytes = password === undefined ? plaintext : seal(plaintext, await deriveSealKey(password))
  await put(path, bytes, rename)
  return key
}

const putNew = (path: string, bytes: Uint8Array): Promise<void> =>
  put(path, bytes, async (from, to) => {
    await link(from, to) // unlike a renaming, fails where something lies
    await rm(from)
  })

/** Writes beside the file, mode 0600, on disk before it takes its place. */
async function put(
  path: string,
  bytes: Uint8Array,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    {
      await using file = await open(draft, 'wx', 0o600)
      await file.writeFile(bytes)
      await file.sync()
    }
    await place(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
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
