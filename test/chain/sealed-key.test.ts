import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  passwordFromEnvironment,
  passwordVariable,
  veiledPassword,
} from '../../src/chain/key-password.ts'
import { isSealed, seal, unseal } from '../../src/chain/sealed-key.ts'
import vector from '../vectors/sealed-key.json' with { type: 'json' }

// test/e2e/wallet-commands.test.ts derives the key from the password, which takes seconds.
const key = Buffer.from(vector.key, 'hex')
const file = Buffer.from(vector.file, 'hex')

test('a file that libsodium sealed is opened, and ours is sealed alike', () => {
  expect(isSealed(file)).toBe(true)
  expect(Buffer.from(unseal(file, key)!).toString()).toBe(vector.plaintext)
  const ours = seal(Buffer.from(vector.plaintext), key)
  expect(ours).toHaveLength(file.length)
  expect(ours).not.toEqual(file)
  expect(Buffer.from(unseal(ours, key)!).toString()).toBe(vector.plaintext)
})

test.each([0, 31])('another key at byte %d opens nothing', (at) => {
  const wrong = Buffer.from(key)
  wrong[at]! ^= 1
  expect(unseal(file, wrong)).toBeUndefined()
})

test.each([6, 29, 60])('a file changed at byte %d is not opened', (at) => {
  const changed = Buffer.from(file)
  changed[at]! ^= 1
  expect(unseal(changed, key)).toBeUndefined()
})

test('what is too short, or has another mark, is not sealed', () => {
  expect(isSealed(file.subarray(0, 29))).toBe(false)
  expect(isSealed(Buffer.from('{"secretSeed":"0x"}'))).toBe(false)
  expect(isSealed(Buffer.alloc(0))).toBe(false)
})

test("a password comes from btcli's variable", () => {
  const { path, name, value } = vector.environment
  expect(passwordVariable(path)).toBe(name)
  expect(veiledPassword(name, vector.password)).toBe(value)
  expect(passwordFromEnvironment(path, { [name]: value })).toBe(vector.password)
  expect(passwordFromEnvironment(path, { [name]: '' })).toBeUndefined()
  expect(passwordFromEnvironment(path, {})).toBeUndefined()
})

test('or from a credential of the service manager, as it was written', () => {
  const { path, name, value } = vector.environment
  const folder = mkdtempSync(join(tmpdir(), 'cn-credentials-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const env = { CREDENTIALS_DIRECTORY: folder }
  expect(passwordFromEnvironment(path, env)).toBeUndefined()
  writeFileSync(join(folder, name), 'two words \n')
  expect(passwordFromEnvironment(path, env)).toBe('two words ')
  expect(passwordFromEnvironment(path, { ...env, [name]: value })).toBe(vector.password)
})
