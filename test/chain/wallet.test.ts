import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cryptoWaitReady, sr25519PairFromSeed, sr25519Verify } from '@polkadot/util-crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyFromPrivateKey, keyFromSeed, verifyHotkeySignature } from '../../src/chain/keys.ts'
import { decodeAddress, encodeAddress } from '../../src/chain/ss58.ts'
import {
  createWallet,
  importHotkey,
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
    expect((await loadColdkey(place)).address).toBe(made.coldkey.address)
    for (const file of ['coldkey', 'hotkeys/default']) {
      expect((await stat(join(path, 'miner', file))).mode & 0o777).toBe(0o600)
    }
    expect(await listWallets(path)).toEqual([{ name: 'miner', hotkeys: ['default'] }])
    await expect(createWallet(place, type)).rejects.toMatchObject({ code: 'BAD_CONFIG_WALLET' })
    const second = await createWallet({ ...place, hotkey: 'second' }, type)
    expect(second.coldkey.address).toBe(made.coldkey.address)
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
  const imported = await importHotkey({ ...place, hotkey: 'again' }, ` ${whole.secretPhrase}\n`)
  expect(imported.address).toBe(hotkey.address)
})

test("substrate's development phrase gives the known account", async () => {
  const phrase = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
  const key = await importHotkey({ path, name: 'dev', hotkey: 'root' }, phrase)
  expect(key.address).toBe('5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV')
})

test.each([
  ['an encrypted key', '$NACL….', /not supported yet/],
  ['a legacy encrypted key', '$ANSIBLE_VAULT;1.1', /legacy/],
  ['a torn file', '{"secretSeed":"0x', /cannot read/],
  [
    'a secret of another key',
    JSON.stringify({ publicKey: `0x${'11'.repeat(32)}`, secretSeed: `0x${'22'.repeat(32)}` }),
    /no secret that fits/,
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
