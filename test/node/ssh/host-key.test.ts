import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { generateHostKey, leaseHostKey } from '../../../src/node/ssh/host-key.ts'

const LEASE = 'ab'.repeat(32)

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-host-key-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** As ssh2 makes one key in 256: shorter than what its header tells. */
const MALFORMED = [
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  Buffer.from('openssh-key-v1\0').toString('base64'),
  '-----END OPENSSH PRIVATE KEY-----',
].join('\n')

test('a key that does not read back is made again', () => {
  const made = [MALFORMED, MALFORMED, generateHostKey()]
  const last = made[2]
  expect(generateHostKey(() => made.shift()!)).toBe(last)
  expect(() => generateHostKey(() => MALFORMED)).toThrow('ssh2 made no key')
})

test('each of a thousand keys reads back', () => {
  for (let i = 0; i < 1000; i += 1) {
    expect(ssh2.utils.parseKey(generateHostKey())).not.toBeInstanceOf(Error)
  }
})

test('a malformed key on disk is replaced, a whole one stays', async () => {
  const keys = join(folder, 'ssh', 'cn-abababababab')
  await mkdir(keys, { recursive: true })
  await writeFile(join(keys, 'host_key'), MALFORMED)
  const { privateKey, knownHosts } = await leaseHostKey(folder, LEASE)
  expect(ssh2.utils.parseKey(privateKey)).not.toBeInstanceOf(Error)
  expect(await readFile(knownHosts, 'utf8')).toMatch(/^cn-abababababab ssh-ed25519 AAAA/)
  expect((await leaseHostKey(folder, LEASE)).privateKey).toBe(privateKey)
})
