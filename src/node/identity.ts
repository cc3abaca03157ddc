import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { chmod, link, open, readFile, stat, unlink } from 'node:fs/promises'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { RecordKey } from '../protocols/seal.ts'
import { reasonOf } from './config.ts'

/** Who this node is: one ed25519 key for the connection and for what it signs. */
export interface Identity {
  readonly peerId: string
  readonly privateKey: Ed25519PrivateKey
  readonly recordKey: RecordKey
}

/**
 * The key of a data folder, made at the first start. The file holds libp2p's protobuf in base64, as kubo's
 * `Identity.PrivKey`; others must not read it.
 * @throws BAD_CONFIG_KEY when it cannot be read or is no whole ed25519 key: a lost identity is never replaced silently
 */
export async function loadIdentity(keyFile: string, log: Log): Promise<Identity> {
  const text = (await readKey(keyFile, log)) ?? (await createKey(keyFile))
  return parseKey(keyFile, text)
}

async function readKey(keyFile: string, log: Log): Promise<string | undefined> {
  try {
    const { mode } = await stat(keyFile)
    if ((mode & 0o077) !== 0) {
      await chmod(keyFile, 0o600)
      log.warn('key-was-readable', { file: keyFile, note: 'others could read it; now 0600' })
    }
    return await readFile(keyFile, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw keyError(keyFile, `cannot read the key ${keyFile}: ${reasonOf(cause)}`, cause)
  }
}

/** Written beside and linked into place: a crash leaves a whole key or none, and nobody's key is overwritten. */
async function createKey(keyFile: string): Promise<string> {
  const privateKey = await generateKeyPair('Ed25519')
  const text = `${Buffer.from(privateKeyToProtobuf(privateKey)).toString('base64')}\n`
  const draft = `${keyFile}.${randomBytes(4).toString('hex')}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await link(draft, keyFile).finally(() => unlink(draft))
    return text
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return readFile(keyFile, 'utf8')
    throw keyError(keyFile, `cannot write the key ${keyFile}: ${reasonOf(cause)}`, cause)
  }
}

function parseKey(keyFile: string, text: string): Identity {
  const base64 = text.trim()
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw corrupt(keyFile)
  try {
    const privateKey = privateKeyFromProtobuf(bytes)
    if (privateKey.type !== 'Ed25519') throw new Error(`a ${privateKey.type} key, not Ed25519`)
    return {
      peerId: peerIdFromPrivateKey(privateKey).toString(),
      privateKey,
      recordKey: recordKeyOf(privateKey),
    }
  } catch (cause) {
    throw corrupt(keyFile, cause)
  }
}

const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The same key for node:crypto; throws when its public half belongs to another key. */
function recordKeyOf({ raw, publicKey }: Ed25519PrivateKey): RecordKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_ED25519, raw.subarray(0, 32)]),
    format: 'der',
    type: 'pkcs8',
  })
  const derived = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32)
  if (!derived.equals(publicKey.raw)) throw new Error('its two halves do not belong together')
  return { publicKey: new Uint8Array(publicKey.raw), privateKey }
}

const corrupt = (keyFile: string, cause?: unknown): NodeError =>
  keyError(
    keyFile,
    `the key ${keyFile} is damaged${cause === undefined ? '' : `: ${messageOf(cause)}`}`,
    cause,
  )

const keyError = (keyFile: string, message: string, cause: unknown): NodeError =>
  new NodeError('BAD_CONFIG_KEY', message, {
    cause,
    next: `restore ${keyFile} from a backup, or move it away to start as a new peer`,
  })
