import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseCommandLine } from '../../src/node/command-line.ts'
import { type Config, configWith, loadConfig } from '../../src/node/config.ts'
import { allCommands } from '../../src/node/help.ts'
import { envName, flagName, optionTable } from '../../src/node/options.ts'

const folder = mkdtempSync(join(tmpdir(), 'cn-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A file's path with this content. */
function file(content: unknown, name = 'node.json'): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const load = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Config =>
  loadConfig({
    flags: parseCommandLine(['--data-dir', join(folder, 'none'), ...argv]).flags,
    env,
    cwd: folder,
  })

describe('who wins', () => {
  const config = file({ netuid: 3, price: '3', walletName: 'of-file', logLevel: 'error' })

  test('flags over environment over file over defaults', () => {
    const env = { COMPUTE_NODE_NETUID: '2', COMPUTE_NODE_PRICE: '2' }
    expect(load(['--config', config, '--netuid', '1'], env)).toMatchObject({
      netuid: 1,
      price: '2',
      walletName: 'of-file',
      walletHotkey: 'default',
    })
  })

  test('the file may be named by the environment', () => {
    expect(load([], { COMPUTE_NODE_CONFIG: config }).netuid).toBe(3)
  })

  test('config.json of the data folder is read when no file is named', () => {
    file({ netuid: 9 }, 'config.json')
    const { flags } = parseCommandLine(['--data-dir', folder])
    expect(loadConfig({ flags }).netuid).toBe(9)
  })

  test('without anything, the defaults hold', () => {
    expect(load([])).toEqual(configWith({ dataDir: join(folder, 'none') }))
    expect('genesis' in load([])).toBe(false)
  })

  test('chain endpoints are a list: flags and the environment name several', () => {
    const urls = ['ws://127.0.0.1:1', 'wss://b.example:443']
    expect(load(['--chain', urls[0]!, '--chain', urls[1]!]).chain).toEqual(urls)
    expect(load([], { COMPUTE_NODE_CHAIN: urls.join(',') }).chain).toEqual(urls)
  })
})

describe('values', () => {
  test.each([
    [['--role', 'miner,relay', '--role', 'validator'], 'roles', ['miner', 'relay', 'validator']],
    [['--gather', '1500ms'], 'gatherMs', 1500],
    [['--gather=2m'], 'gatherMs', 120_000],
    [['--lease-memory', '512MiB'], 'leaseMemoryBytes', 512 * 1024 * 1024],
    [['--lease-memory', '1.5 GB'], 'leaseMemoryBytes', 1_500_000_000],
    [['--no-color'], 'color', false],
    [['--json'], 'json', true],
    [['-o', 'dph,-score'], 'order', 'dph,-score'],
    [['--drand', 'https://a/,http://b:1/x'], 'drand', ['https://a', 'http://b:1/x']],
    [['--drand', ''], 'drand', []],
    [['--stake', '12.5'], 'stake', ['12.5']],
    [['--stake', '3=1000,4=0'], 'stake', ['3=1000', '4=0']],
    [['--set-weight', '0:7=65535'], 'setWeights', [{ from: 0, to: 7, value: 65_535 }]],
    [['--cabal', '0+12:7'], 'cabal', { validators: [0, 12], miner: 7 }],
    [['--genesis', `0x${'AB'.repeat(32)}`], 'genesis', 'ab'.repeat(32)],
    [['--netuid', '1', '--netuid', '2'], 'netuid', 2],
    [['--wallet.path', '~/keys'], 'walletPath', join(homedir(), 'keys')],
    [['--wallet.path', 'keys'], 'walletPath', join(folder, 'keys')],
  ])('%j gives %s', (argv, key, value) => {
    expect(load(argv)[key as keyof Config]).toEqual(value)
  })

  test('a file holds values as JSON has them, with paths from its own folder', () => {
    const path = file({
      roles: ['miner'],
      netuid: 5,
      json: true,
      walletPath: 'keys',
      bootstrap: [],
    })
    expect(load(['--config', path])).toMatchObject({
      roles: ['miner'],
      netuid: 5,
      json: true,
      walletPath: join(folder, 'keys'),
    })
  })
})

describe('mistakes are told in one line', () => {
  test.each([
    [
      ['--nettuid', '1'],
      'BAD_CONFIG_OPTION',
      'there is no option --nettuid; did you mean --netuid?',
    ],
    [
      ['--wallet.nam', 'x'],
      'BAD_CONFIG_OPTION',
      'there is no option --wallet.nam; did you mean --wallet.name?',
    ],
    [['-z'], 'BAD_CONFIG_OPTION', 'there is no option -z'],
    [['--tag', 'My Image'], 'BAD_CONFIG_VALUE', '--tag: expected a name such as my-image:1'],
    [['--no-netuid'], 'BAD_CONFIG_OPTION', 'there is no option --no-netuid'],
    [['--netuid'], 'BAD_CONFIG_OPTION', '--netuid needs a value: --netuid N'],
    [['--netuid', '--json'], 'BAD_CONFIG_OPTION', '--netuid needs a value: --netuid N'],
    [['--json=yes'], 'BAD_CONFIG_OPTION', '--json takes no value'],
    [['--hours', '0'], 'BAD_CONFIG_VALUE', '--hours: expected hours such as 2 or 0.5'],
    [['--hours', '100000'], 'BAD_CONFIG_VALUE', 'at most 8784 (a year), got "100000"'],
    [['--hours', '0.0001'], 'BAD_CONFIG_VALUE', '--hours: expected hours such as 2 or 0.5'],
    [['--image', 'bad image'], 'BAD_CONFIG_VALUE', '--image: expected an image such as'],
    [['--authorize', 'zz'], 'BAD_CONFIG_VALUE', '--authorize: expected a PeerId'],
    [
      ['--netuid', '70000'],
      'BAD_CONFIG_VALUE',
      '--netuid: expected a whole number, 0 to 65535, got "70000"',
    ],
    [
      ['--role', 'minor'],
      'BAD_CONFIG_VALUE',
      '--role: expected miner or validator or renter or relay, got "minor"',
    ],
    [['--gather', '5'], 'BAD_CONFIG_VALUE', '--gather: expected a time with a unit'],
    [['--listen', 'localhost:1'], 'BAD_CONFIG_VALUE', '--listen: expected a multiaddr'],
    [['--chain', 'http://x'], 'BAD_CONFIG_VALUE', '--chain: expected an address such as ws://'],
    [['--drand', 'ws://x'], 'BAD_CONFIG_VALUE', '--drand: expected an address such as https://'],
    [['--price', '1,5'], 'BAD_CONFIG_VALUE', '--price: expected a price such as 1.25, got "1,5"'],
    [['--stake', 'a=1'], 'BAD_CONFIG_VALUE', '--stake: expected an amount such as 1000'],
    [['--set-weight', '1:2=65536'], 'BAD_CONFIG_VALUE', 'expected VALIDATOR:MINER=WEIGHT'],
    [['--cabal', '1:2:3'], 'BAD_CONFIG_VALUE', '--cabal: expected UID+UID:MINER'],
    [['--genesis', 'ab'], 'BAD_CONFIG_VALUE', '--genesis: expected 64 hex digits'],
    [['--data-dir', ''], 'BAD_CONFIG_VALUE', '--data-dir: expected a value'],
  ])('%j', (argv, code, message) => {
    expect(() => load(argv)).toThrow(message)
    expect(() => load(argv)).toThrow(expect.objectContaining({ code }))
  })

  test('a single letter is near to no option', () =>
    expect(() => load(['-l'])).toThrow(/^there is no option -l$/))

  test('of the environment, with the name of the variable', () => {
    expect(() => load([], { COMPUTE_NODE_JSON: 'perhaps' })).toThrow(
      'COMPUTE_NODE_JSON: expected true or false',
    )
  })

  test.each([
    [
      'a missing file',
      () => '/nowhere/node.json',
      'cannot read /nowhere/node.json: it does not exist',
    ],
    ['a folder', () => folder, 'it is a folder'],
    ['no JSON', () => file('{"netuid": 1', 'cut.json'), 'is no JSON'],
    ['a list', () => file([1], 'list.json'), 'must hold one JSON object'],
    [
      'an unknown key',
      () => file({ netuld: 1 }, 'typo.json'),
      'has an unknown key "netuld"; did you mean "netuid"?',
    ],
    [
      'a key of the command line',
      () => file({ help: true }, 'help.json'),
      'has an unknown key "help"',
    ],
    [
      'a value of the wrong kind',
      () => file({ price: {} }, 'kind.json'),
      'price: expected a text, number or true/false',
    ],
    [
      'a list where one belongs',
      () => file({ netuid: [1] }, 'many.json'),
      'netuid: expected a text',
    ],
    ['a bad value', () => file({ netuid: -1 }, 'bad.json'), 'netuid: expected a whole number'],
  ])('of a file: %s', (_, path, message) => {
    expect(() => load(['--config', path()])).toThrow(message)
  })
})

test('what stands after -- is left alone', () => {
  const line = parseCommandLine(['exec', 'ab', '--', 'ls', '--json', '--', '-x'])
  expect(line).toEqual({
    flags: new Map(),
    words: ['exec', 'ab'],
    rest: ['ls', '--json', '--', '-x'],
  })
  expect(parseCommandLine(['offers']).rest).toBeUndefined()
})

test('no two options share a flag, a letter or a variable', () => {
  const keys = [...optionTable.keys()]
  const letters = [...optionTable.values()].flatMap(({ short }) => short ?? [])
  for (const names of [keys.map(flagName), keys.map(envName), letters]) {
    expect(new Set(names).size).toBe(names.length)
  }
})

test('every option has a reader: a command that takes it, or code that uses its value', () => {
  const taken = new Set(allCommands.flatMap(({ options }) => options))
  const src = join(import.meta.dirname, '../../src')
  const code = globSync('**/*.ts', { cwd: src })
    .filter((name) => !/^node\/options(\/|\.ts$)/.test(name))
    .map((name) => readFileSync(join(src, name), 'utf8'))
    .join('\n')
  const unread = [...optionTable].filter(([key, { scope }]) => {
    const used = new RegExp(`(config\\??\\.|[{,]\\s*|has\\(')${key}\\b`).test(code)
    return !used || (scope === 'command' && !taken.has(key))
  })
  expect(unread.map(([key]) => key)).toEqual([])
})

test('what a file or a variable says wrong of a node leads to the help that has it', () => {
  const wrong = () => loadConfig({ env: { COMPUTE_NODE_PRICE: 'abc' }, command: 'status' })
  expect(wrong).toThrow(
    expect.objectContaining({
      next: expect.stringMatching(/^compute-node --help: Price per hour/),
    }),
  )
})
