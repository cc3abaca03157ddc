// The wallet commands, each its own process; every word they print is searched for secrets at the end.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, describe, expect, test } from 'vitest'
import { passwordVariable, veiledPassword } from '../../src/chain/key-password.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import { requireOrSkip } from '../support/skips.ts'
import vector from '../vectors/sealed-key.json' with { type: 'json' }

/** A password is seconds of work, on a busy machine half a minute. */
const timeout = 300_000

const root = mkdtempSync(join(tmpdir(), 'cn-wallets-'))
const wallets = join(root, 'wallets')
const entry = join(import.meta.dirname, '../../bin/compute-node.js')
const common = ['--wallet.path', wallets, '--data-dir', join(root, 'node'), '--log-level', 'debug']
afterAll(() => rmSync(root, { recursive: true }))

const PASSWORD = vector.password
const PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'
const ADDRESS = '5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV'
const ALICE = '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY'

let printed = ''

async function run(
  args: readonly string[],
  input: string | Buffer = '',
  env: NodeJS.ProcessEnv = {},
) {
  const child = spawn(process.execPath, [entry, ...args, ...common], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  child.stdin.end(input)
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  printed += stdout + stderr
  return { exitCode, stdout, stderr }
}

async function json(name: string, args: readonly string[] = [], input = '', env = {}) {
  const { exitCode, stdout, stderr } = await run(
    [...name.split(' '), '--json', ...args],
    input,
    env,
  )
  expect([exitCode, stderr]).toEqual([0, ''])
  const value: unknown = JSON.parse(stdout)
  expect(outputSchemas[name]!.schema.parse(value)).toEqual(value)
  return value as Record<string, unknown>
}

const passwordOf = (wallet: string): NodeJS.ProcessEnv => {
  const name = passwordVariable(join(wallets, wallet, 'coldkey'))
  return { [name]: veiledPassword(name, PASSWORD) }
}

test('a wallet is created under a password and listed without one', { timeout }, async () => {
  const made = await json('wallet create', ['--wallet.name', 'main'], '', passwordOf('main'))
  const folder = join(wallets, 'main')
  expect(readFileSync(join(folder, 'coldkey')).subarray(0, 5).toString()).toBe('$NACL')
  expect(JSON.parse(readFileSync(join(folder, 'coldkeypub.txt'), 'utf8'))).toMatchObject({
    ss58Address: made['coldkey'],
  })
  expect(readdirSync(folder).sort()).toEqual(['coldkey', 'coldkeypub.txt', 'hotkeys'])
  expect(readdirSync(join(folder, 'hotkeys')).sort()).toEqual(['default', 'defaultpub.txt'])
  for (const file of ['coldkey', 'coldkeypub.txt', 'hotkeys/default', 'hotkeys/defaultpub.txt'])
    expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600)
  for (const inner of ['', 'hotkeys'])
    expect(statSync(join(folder, inner)).mode & 0o777).toBe(0o700)
  const common = { name: 'main', keyType: 'sr25519' }
  expect(await json('wallet list')).toEqual({
    items: [
      { ...common, key: 'coldkey', hotkey: null, address: made['coldkey'], encrypted: true },
      { ...common, key: 'hotkey', hotkey: 'default', address: made['hotkey'], encrypted: false },
    ],
  })
})

test("libsodium's file loses its password, signs, and its signature is verified", {
  timeout,
}, async () => {
  const folder = join(wallets, 'gold')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'coldkey'), Buffer.from(vector.file, 'hex'), { mode: 0o600 })
  const wallet = ['--wallet.name', 'gold']
  const alone = await run(['wallet', 'sign', '--coldkey', ...wallet], 'it is me')
  expect(alone).toMatchObject({ exitCode: 2, stdout: '' })
  expect(alone.stderr).toContain(passwordVariable(join(folder, 'coldkey')))
  const change = [...wallet, '--no-password']
  expect(await json('wallet change-password', change, '', passwordOf('gold'))).toMatchObject({
    address: ADDRESS,
    encrypted: false,
  })
  expect(readFileSync(join(folder, 'coldkey'), 'utf8')).toBe(vector.plaintext)
  expect(statSync(join(folder, 'coldkey')).mode & 0o777).toBe(0o600)
  const signed = await json('wallet sign', ['--coldkey', ...wallet], 'it is me')
  const { address, signature } = signed as { address: string; signature: string }
  expect([address, signature.length]).toEqual([ADDRESS, 128])
  expect(await json('wallet verify', [address, signature], 'it is me')).toMatchObject({
    valid: true,
    keyType: 'sr25519',
  })
  expect(await run(['wallet', 'verify', address, signature], 'it is you')).toMatchObject({
    exitCode: 1,
    stdout: `not signed by ${ADDRESS}\n`,
  })
  expect((await run(['wallet', 'verify', ALICE, `0x${signature}`], 'it is me')).exitCode).toBe(1)
})

test('keys come from words and from a seed on stdin; no file is overwritten', {
  timeout,
}, async () => {
  const wallet = ['--wallet.name', 'restored']
  const coldkey = ['--coldkey', '--no-password', ...wallet]
  expect(await json('wallet import', coldkey, `${PHRASE}\n`)).toMatchObject({ address: ADDRESS })
  const seed = vector.plaintext.match(/0xfac[0-9a-f]+/)![0]
  const ed25519 = [...wallet, '--key-type', 'ed25519']
  const hotkey = await json('wallet import', ed25519, seed)
  expect(hotkey).toMatchObject({ key: 'hotkey', keyType: 'ed25519', encrypted: false })
  const { signature } = await json('wallet sign', wallet, 'a text')
  const arguments_ = [hotkey['address'], signature] as string[]
  expect(await json('wallet verify', arguments_, 'a text')).toMatchObject({ keyType: 'ed25519' })
  const again = await run(['wallet', 'import', ...coldkey], PHRASE)
  expect([again.exitCode, again.stdout]).toEqual([2, ''])
  expect(again.stderr).toContain('no key is overwritten')
})

test.each([
  [
    'a new coldkey without a password',
    ['wallet', 'create', '--wallet.name', 'n'],
    '',
    /--no-password/,
  ],
  [
    'words of no key',
    ['wallet', 'import', '--wallet.name', 'n'],
    'bottom drive obey',
    /no valid secret/,
  ],
  [
    'a password as an argument',
    ['wallet', 'create', '--password', PASSWORD],
    '',
    /no option --password/,
  ],
  [
    'what is no text',
    ['wallet', 'sign', '--wallet.name', 'main'],
    Buffer.from([0xff, 0xfe]),
    /no text/,
  ],
  [
    "what passes for the program's",
    ['wallet', 'sign', '--wallet.name', 'main'],
    'compute-node/x',
    /must not start/,
  ],
  ['half a signature', ['wallet', 'verify', ALICE, '00ff'], 'x', /64 bytes/],
  ['no address', ['wallet', 'verify', `${ALICE}x`, '00'.repeat(64)], 'x', /no SS58 address/],
])('%s is refused', { timeout }, async (_, args, input, line) => {
  const refused = await run(args, input)
  expect([refused.exitCode, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toMatch(line)
})

const hasScript = spawnSync('script', ['--version']).status === 0

describe.skipIf(!requireOrSkip(hasScript, 'script(1) of util-linux'))('a terminal', () => {
  test('shows nothing of a password, and two that differ write nothing', { timeout }, async () => {
    const command = [
      process.execPath,
      entry,
      'wallet',
      'create',
      '--wallet.name',
      'typed',
      ...common,
    ]
    const line = command.map((word) => `'${word}'`).join(' ')
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SHELL: '/bin/sh' },
    })
    let shown = ''
    const answers = new Map([
      ['New password', `${PASSWORD}\r`],
      ['The same again', 'hunter2x\x7f\r'],
    ])
    child.stdout.on('data', (chunk: Buffer) => {
      shown += chunk.toString()
      for (const [question, answer] of answers) {
        if (!shown.includes(question)) continue
        answers.delete(question)
        child.stdin.write(answer)
      }
    })
    const [exitCode] = await once(child, 'close')
    printed += shown
    expect([exitCode, shown]).toEqual([2, expect.stringContaining('these were two passwords')])
    expect(readdirSync(wallets)).not.toContain('typed')
  })
})

test('nothing that was printed holds a secret', () => {
  const files = readdirSync(wallets, { recursive: true, withFileTypes: true })
  const texts = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name), 'utf8'))
  const secrets = texts.flatMap((content) => [
    ...(content.match(/(?<="secretPhrase": ?")[^"]+/g) ?? []),
    ...(content.match(/(?<="secretSeed": ?"0x)[^"]+/g) ?? []),
  ])
  expect(secrets.length).toBeGreaterThan(5)
  for (const secret of [...secrets, PASSWORD, PHRASE, 'bottom', 'hunter2'])
    expect(printed).not.toContain(secret)
})
