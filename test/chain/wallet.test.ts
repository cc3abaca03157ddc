import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { cryptoWaitReady, sr25519PairFromSeed, sr25519Verify } from '@polkadot/util-crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyFromPrivateKey, keyFromSeed, verifyHotkeySignature } from '../../src/chain/keys.ts'
import { decodeAddress, encodeAddress } from '../../src/chain/ss58.ts'
import {
  createWallet,
  describeKey,
  importKey,
  listWallets,
  loadColdkey,
  loadHotkey,
} from '../../src/chain/wallet.ts'

const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'
const ALICE_SEED = Buffer.from(
  'e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a',
  'hex',
)
const message = Buffer.from('a message of any length')

let path = ''
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'cn-wallet-'))
})
afterEach(() => rm(path, { recursive: true }))

test('an address is the same text and bytes both ways', () => {
  const key = keyFromSeed('sr25519', ALICE_SEED)
  expect(key.address).toBe(ALICE)
  expect(encodeAddress(decodeAddress(ALICE))).toBe(ALICE)
})

test.each([
  ['a typo', ALICE.replace('Q', 'R')],
  ['another prefix', '15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5'],
  ['nothing', ''],
  ['other letters', '0OIl'],
])('%s is no address', (_, text) => {
  expect(() => decodeAddress(text)).toThrow(/no SS58 address/)
})

test.each(['sr25519', 'ed25519'] as const)('a %s signature verifies, a changed one not', (type) => {
  const key = keyFromSeed(type, ALICE_SEED)
  const signature = key.sign(message)
  expect(verifyHotkeySignature(type, key.publicKey, message, signature)).toBe(true)
  signature[5]! ^= 1
  expect(verifyHotkeySignature(type, key.publicKey, message, signature)).toBe(false)
  expect(verifyHotkeySignature(type, new Uint8Array(32).fill(255), message, signature)).toBe(false)
})

test('the reference implementation takes our sr25519 signatures, and we take a canonical private key', async () => {
  await cryptoWaitReady()
  const reference = sr25519PairFromSeed(ALICE_SEED)
  const key = keyFromSeed('sr25519', ALICE_SEED)
  expect(sr25519Verify(message, key.sign(message), reference.publicKey)).toBe(true)
  const canonical = Uint8Array.from(reference.secretKey)
  let rest = 0
  for (let i = 31; i >= 0; i--) {
    const value = rest * 256 + reference.secretKey[i]!
    canonical[i] = value >> 3
    rest = value & 7
  }
  expect(keyFromPrivateKey(canonical).address).toBe(ALICE)
})

test.each(['sr25519', 'ed25519'] as const)(
  'a created %s wallet is found again, in files of mode 0600',
  async (type) => {
    const place = { path, name: 'miner', hotkey: 'default' }
    const made = await createWallet(place, type)
    expect((await loadHotkey(place)).address).toBe(made.hotkey.address)
    expect((await loadHotkey(place)).type).toBe(type)
    expect((await loadColdkey(place)).address).toBe(made.coldkey)
    for (const file of ['coldkey', 'hotkeys/default']) {
      expect((await stat(join(path, 'miner', file))).mode & 0o777).toBe(0o600)
    }
    expect(await listWallets(path)).toEqual([
      { name: 'miner', hasColdkey: true, hotkeys: ['default'] },
    ])
    await expect(createWallet(place, type)).rejects.toMatchObject({ code: 'BAD_CONFIG_WALLET' })
    const second = await createWallet({ ...place, hotkey: 'second' }, type)
    expect(second).toMatchObject({ coldkey: made.coldkey, newColdkey: false })
  },
)

test('the files hold what btcli reads, and any one secret is enough', async () => {
  const place = { path, name: 'w', hotkey: 'h' }
  const { hotkey } = await createWallet(place)
  const file = join(path, 'w/hotkeys/h')
  const whole = JSON.parse(await readFile(file, 'utf8'))
  expect(whole).toMatchObject({ ss58Address: hotkey.address, accountId: whole.publicKey })
  expect(whole.secretPhrase.split(' ')).toHaveLength(12)
  for (const secret of ['secretSeed', 'secretPhrase']) {
    await writeFile(file, JSON.stringify({ publicKey: whole.publicKey, [secret]: whole[secret] }))
    expect((await loadHotkey(place)).address).toBe(hotkey.address)
  }
  const imported = await importKey(
    { ...place, hotkey: 'again' },
    'hotkey',
    ` ${whole.secretPhrase}\n`,
  )
  expect(imported.address).toBe(hotkey.address)
})

test("substrate's development phrase gives the known account", async () => {
  const phrase = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
  const key = await importKey({ path, name: 'dev', hotkey: 'root' }, 'hotkey', phrase)
  expect(key.address).toBe('5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV')
})

test.each([
  ['an encrypted key', `$NACL${'.'.repeat(80)}`, /under a password/],
  ['a legacy encrypted key', '$ANSIBLE_VAULT;1.1', /legacy/],
  ['a torn file', '{"secretSeed":"0x', /cannot read/],
  [
    'a secret of another key',
    JSON.stringify({ publicKey: `0x${'11'.repeat(32)}`, secretSeed: `0x${'22'.repeat(32)}` }),
    /no secret of its public key/,
  ],
])('%s is refused in one clear line', async (_, text, line) => {
  const place = { path, name: 'w', hotkey: 'h' }
  await createWallet(place)
  await writeFile(join(path, 'w/hotkeys/h'), text)
  await expect(loadHotkey(place)).rejects.toMatchObject({
    code: 'BAD_CONFIG_WALLET',
    message: expect.stringMatching(line),
  })
})

test('a missing key and a name that would leave the folder are refused', async () => {
  await expect(loadHotkey({ path, name: 'none', hotkey: 'h' })).rejects.toMatchObject({
    code: 'BAD_CONFIG_WALLET',
    next: expect.stringContaining('wallet create'),
  })
  await expect(loadColdkey({ path, name: '../x' })).rejects.toMatchObject({
    code: 'BAD_CONFIG_WALLET',
  })
})

const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
const DEV_SEED = '0xfac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e'
const DEV_ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV'
const DEV_PUBLIC = '0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a'
const other = `0x${'22'.repeat(32)}`

test.each([
  ['words before a seed', { secretSeed: other, secretPhrase: DEV_PHRASE }],
  ['a seed alone', { secretSeed: DEV_SEED }],
  ['what fits the address', { secretPhrase: DEV_PHRASE, ss58Address: DEV_ADDRESS }],
  [
    'a seed beside an address',
    { ss58Address: DEV_ADDRESS, secretSeed: DEV_SEED.toUpperCase().replace('0X', '0x') },
  ],
])('%s is the key of a file', async (_, fields) => {
  await createWallet({ path, name: 'w', hotkey: 'h' })
  await writeFile(join(path, 'w/hotkeys/h'), JSON.stringify(fields))
  expect((await loadHotkey({ path, name: 'w', hotkey: 'h' })).address).toBe(DEV_ADDRESS)
})

test('an ed25519 private key is its seed and its public key', async () => {
  const key = keyFromSeed('ed25519', ALICE_SEED)
  const privateKey = Buffer.concat([ALICE_SEED, key.publicKey]).toString('hex')
  await createWallet({ path, name: 'w', hotkey: 'h' })
  await writeFile(join(path, 'w/hotkeys/h'), JSON.stringify({ keyType: 'ed25519', privateKey }))
  expect((await loadHotkey({ path, name: 'w', hotkey: 'h' })).address).toBe(key.address)
})

test('an address alone has no secret, and a listing still names it', async () => {
  const place = { path, name: 'w', hotkey: 'h' }
  await createWallet(place)
  const file = join(path, 'w/hotkeys/h')
  await writeFile(file, JSON.stringify({ ss58Address: DEV_ADDRESS }))
  await rm(`${file}pub.txt`)
  await expect(loadHotkey(place)).rejects.toMatchObject({ code: 'BAD_CONFIG_WALLET' })
  expect(await describeKey(file)).toEqual({
    address: DEV_ADDRESS,
    keyType: 'sr25519',
    encrypted: false,
  })
})

test('a file that is no JSON is refused without a word of it', async () => {
  const place = { path, name: 'w', hotkey: 'h' }
  await createWallet(place)
  await writeFile(join(path, 'w/hotkeys/h'), `{"secretPhrase":${DEV_PHRASE}}`)
  const error = await loadHotkey(place).catch((thrown: unknown) => thrown)
  expect(inspect(error, { depth: 9 })).not.toMatch(/bottom|drive|walk/)
  expect(error).toMatchObject({ code: 'BAD_CONFIG_WALLET' })
})

test('words join a wallet that only watched, and no other key does', async () => {
  const place = { path, name: 'watch', hotkey: 'h' }
  await mkdir(join(path, 'watch'))
  await writeFile(join(path, 'watch/coldkeypub.txt'), JSON.stringify({ publicKey: DEV_PUBLIC }))
  await expect(importKey(place, 'coldkey', other)).rejects.toMatchObject({
    message: expect.stringContaining('coldkeypub.txt exists'),
  })
  expect(await readdir(join(path, 'watch'))).toEqual(['coldkeypub.txt'])
  expect((await importKey(place, 'coldkey', DEV_SEED)).address).toBe(DEV_ADDRESS)
})
