import { generateKeyPairSync, sign } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Log, silent } from '../../src/log.ts'
import { loadIdentity } from '../../src/node/identity.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'

let folder = ''
let keyFile = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-identity-'))
  keyFile = join(folder, 'identity.key')
})
afterEach(() => rm(folder, { recursive: true }))

test('a key is made once and stays', async () => {
  const first = await loadIdentity(keyFile, silent)
  const second = await loadIdentity(keyFile, silent)
  expect(second.peerId).toBe(first.peerId)
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
})

test('two starts at once agree on one key', async () => {
  const both = await Promise.all([loadIdentity(keyFile, silent), loadIdentity(keyFile, silent)])
  expect(both[0].peerId).toBe(both[1].peerId)
})

test('the key that signs records is the key of the PeerId', async () => {
  const { privateKey, recordKey } = await loadIdentity(keyFile, silent)
  const message = Buffer.from('offer')
  const signature = sign(null, message, recordKey.privateKey)
  expect(verifySignature(privateKey.publicKey.raw, message, signature)).toBe(true)
})

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

test.each<[string, (good: string) => string | Promise<string>]>([
  ['empty', () => ''],
  ['cut off', (good) => good.slice(0, 40)],
  ['no base64', () => 'this is no key'],
  [
    'one bit flipped',
    (good) => {
      const bytes = Buffer.from(good, 'base64')
      bytes[10]! ^= 1
      return base64(bytes)
    },
  ],
  ['of another kind', async () => base64(privateKeyToProtobuf(await generateKeyPair('secp256k1')))],
  [
    'a PEM file',
    () =>
      generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string,
  ],
])('a key that is %s is refused and kept', async (_, damage) => {
  await loadIdentity(keyFile, silent)
  const damaged = await damage(await readFile(keyFile, 'utf8'))
  await writeFile(keyFile, damaged)
  await expect(loadIdentity(keyFile, silent)).rejects.toMatchObject({ code: 'BAD_CONFIG_KEY' })
  expect(await readFile(keyFile, 'utf8')).toBe(damaged)
})

test('a key that others could read is closed, with a warning', async () => {
  await loadIdentity(keyFile, silent)
  await chmod(keyFile, 0o644)
  const warnings: string[] = []
  const log: Log = { ...silent, warn: (event) => void warnings.push(event) }
  await loadIdentity(keyFile, log)
  expect(warnings).toEqual(['key-was-readable'])
  expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
})
