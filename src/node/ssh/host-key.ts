import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { NodeError } from '../../errors.ts'
import { reasonOf } from '../config.ts'
import { dataFolder } from '../data-folder.ts'

/** What an SSH client pins for one lease. */
export interface LeaseHostKey {
  /** In OpenSSH's form. */
  readonly privateKey: string
  /** A file that holds it as `known_hosts` does. */
  readonly knownHosts: string
}

/** The name by which SSH clients know a lease. */
export const hostName = (leaseId: string): string => `cn-${leaseId.slice(0, 12)}`

/**
 * The host key of a lease, made at the first call and kept in the data folder, 0600. The SSH server is at this end, in
 * the renter's own process: the key only spares the client's question. A folder per lease, so that none who writes
 * waits for another.
 * @throws BAD_CONFIG_FOLDER when the folder cannot be written
 */
export async function leaseHostKey(dataDir: string, leaseId: string): Promise<LeaseHostKey> {
  const folder = join(dataFolder(dataDir).path, 'ssh', hostName(leaseId))
  const keyFile = join(folder, 'host_key')
  const knownHosts = join(folder, 'known_hosts')
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const privateKey = (await wholeKey(keyFile)) ?? (await create(keyFile))
    const line = `${hostName(leaseId)} ${publicLine(privateKey)}\n`
    if ((await existing(knownHosts)) !== line) await replace(knownHosts, line)
    return { privateKey, knownHosts }
  } catch (cause) {
    throw new NodeError('BAD_CONFIG_FOLDER', `cannot keep a key in ${folder}: ${reasonOf(cause)}`, {
      cause,
      next: 'correct the owner and mode of the data folder',
    })
  }
}

async function existing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The key in a file; one that no SSH client could read is taken away, for a new one. */
async function wholeKey(path: string): Promise<string | undefined> {
  const key = await existing(path)
  if (key === undefined || isReadable(key)) return key
  await rm(path, { force: true })
  return undefined
}

const isReadable = (key: string): boolean => !(ssh2.utils.parseKey(key) instanceof Error)

/**
 * A new private key that reads back. ssh2 1.17 loses the leading zero bytes of an ed25519 public key (its `keygen.js`):
 * one key in 256 is malformed.
 */
export function generateHostKey(
  generate = (): string => ssh2.utils.generateKeyPairSync('ed25519').private,
): string {
  for (let tries = 0; tries < 16; tries += 1) {
    const key = generate()
    if (isReadable(key)) return key
  }
  throw new Error('ssh2 made no key that it reads')
}

/** Two commands may start at once: the first one's key stands. */
async function create(path: string): Promise<string> {
  const made = generateHostKey()
  const draft = `${path}.${process.pid}`
  await writeFile(draft, made, { mode: 0o600 })
  try {
    await link(draft, path)
    return made
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return await readFile(path, 'utf8')
  } finally {
    await rm(draft, { force: true })
  }
}

/** `ssh-ed25519 AAAA…` */
function publicLine(privateKey: string): string {
  const key = ssh2.utils.parseKey(privateKey)
  if (key instanceof Error) throw key
  return `${key.type} ${key.getPublicSSH().toString('base64')}`
}

/** Replaces a file whole: who reads meanwhile sees the old or the new. */
export async function replace(path: string, text: string, mode = 0o600): Promise<void> {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, text, { mode })
  await rename(draft, path)
}
