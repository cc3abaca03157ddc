import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { runCli } from '../../src/node/cli.ts'
import { exitCodeOf } from '../../src/node/exit-codes.ts'
import { allCommands } from '../../src/node/help.ts'
import { requireOrSkip } from '../support/skips.ts'

/** Runs a command line in this process. */
const cli = (...argv: string[]) => cliUntil(new AbortController().signal, ...argv)

async function cliUntil(signal: AbortSignal, ...argv: string[]) {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const exitCode = await runCli(argv, {
    terminal: { stdin, stdout, stderr },
    env: {},
    signal,
  })
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const names = allCommands.map(({ name }) => name).filter((name) => name !== '')

test.each(names)('%s has help that says how it is used', async (name) => {
  const { exitCode, stdout } = await cli(...name.split(' '), '--help')
  expect(exitCode).toBe(0)
  expect(stdout.startsWith(`Usage: compute-node ${name}`)).toBe(true)
  expect(stdout).toContain('--data-dir')
})

test('the help of the program names every command and fits a wide terminal', async () => {
  const { stdout } = await cli('--help')
  for (const name of names) expect(stdout).toContain(`  ${name} `)
  expect((await cli()).stdout).toBe(stdout)
  const widest = Math.max(...stdout.split('\n').map((line) => line.length))
  expect(widest).toBeLessThanOrEqual(120)
})

test('the first word of a group shows the group', async () => {
  const { stdout } = await cli('chain', '--help')
  expect(stdout).toContain('Usage: compute-node chain COMMAND')
  expect(stdout).toContain('  chain bind add FILE…')
  expect(stdout.split('\n').length).toBeLessThan(30)
  expect((await cli('chain', 'bind', '--help')).stdout).toContain('  chain bind add FILE…')
  const { exitCode, stderr } = await cli('chain', 'bnd')
  expect(exitCode).toBe(2)
  expect(stderr).toContain('is one of: dev')
  expect(stderr).toContain('did you mean bind?')
  expect(stderr.match(/bind,/g) ?? []).toHaveLength(0)
  expect(await cli('chain')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('is one of: dev'),
  })
})

test('a mistake in a query is told without a node', async () => {
  const nowhere = join(tmpdir(), `cn-no-node-${process.pid}`)
  const wrong = await cli('offers', 'gpu_nam=H100', '--data-dir', nowhere)
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('gpu_name')])
  const order = await cli('offers', '-o', 'foo', '--data-dir', nowhere)
  expect([order.exitCode, order.stderr]).toEqual([2, expect.stringContaining('"foo"')])
  expect(existsSync(nowhere)).toBe(false)
})

test('Ctrl-C while a chain is dialled is no fault of the chain', async () => {
  const stopped = AbortSignal.abort(new NodeError('FAILED_INTERRUPTED', 'stopped by SIGINT'))
  const nowhere = [
    '--network',
    'local',
    '--genesis',
    '00'.repeat(32),
    '--chain',
    'ws://127.0.0.1:1',
  ]
  const { exitCode, stderr } = await cliUntil(stopped, 'chain', 'metagraph', ...nowhere)
  expect([exitCode, stderr]).toEqual([130, 'compute-node: stopped by SIGINT\n'])
})

test('gpu alone is gpu list, and its help is that of the group', async () => {
  const listed = await cli('gpu', '--no-such')
  expect(listed.stderr).toContain('compute-node gpu list --help')
  expect((await cli('gpu', '--help')).stdout).toContain('  gpu preflight')
  expect((await cli('gpu', 'foo')).stderr).toContain('"gpu" is one of: list')
})

test.each(['bash', 'zsh', 'fish'])(
  'completion for %s knows commands and options',
  async (shell) => {
    const { exitCode, stdout } = await cli('completion', shell)
    expect(exitCode).toBe(0)
    expect(stdout).toContain('offers')
    expect(stdout).toContain('data-dir')
  },
)

/** What is typed, and what goes on from there. */
const completions = [
  ['offe', 'offers'],
  ['gpu b', 'bench'],
  ['gpu bench --js', '--json'],
  ['rent --te', '--template'],
  ['offers --te', ''],
  ['--data-dir x exec --de', '--detach'],
  ['snapshot ab --no-', '--no-color --no-pause'],
  ['exec ab -- --h', ''],
  ['chain bi', 'bind'],
  ['chain bind ac', 'accept'],
  ['chain bind re', 'remove request'],
  ['chain bind add --prep', '--prepare'],
  ['chain bind list --prep', ''],
  ['chain anchor --prov', '--prove'],
] as const

/** How each shell is asked, without a terminal, what goes on from some words; it answers a line for each. */
const shells: Readonly<Record<string, (words: string) => string>> = {
  bash: (words) =>
    `COMP_WORDS=(compute-node ${words}) COMP_CWORD=$((\${#COMP_WORDS[@]}-1)) COMPREPLY=(); _compute_node; echo "\${COMPREPLY[*]}"`,
  zsh: (words) =>
    `words=(compute-node ${words}) CURRENT=\${#words} found=(); _compute_node; print -r -- \${(M)found:#\${words[-1]}*}`,
  fish: (words) => `echo (complete -C 'compute-node ${words}' | string replace -r '\\t.*' '')`,
}
/** What zsh has in a terminal alone. */
const before: Readonly<Record<string, string>> = {
  zsh: 'compdef() {}; _files() {}; compadd() { shift; found=($@) }\n',
}

for (const [shell, asks] of Object.entries(shells)) {
  const isHere = requireOrSkip(spawnSync(shell, ['-c', 'true']).status === 0, shell)
  test.skipIf(!isHere)(`the ${shell} completion completes, in words and options`, async () => {
    const { stdout: script } = await cli('completion', shell)
    const lines = completions.map(([words]) => asks(words))
    const text = [(before[shell] ?? '') + script, ...lines].join('\n')
    const folder = mkdtempSync(join(tmpdir(), 'cn-completion-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'script'), text)
    const answer = spawnSync(shell, [join(folder, 'script')], { encoding: 'utf8', cwd: folder })
    const sorted = (found: string): string => found.trim().split(' ').toSorted().join(' ')
    const found = answer.stdout.split('\n').slice(0, -1).map(sorted)
    expect([answer.stderr, found]).toEqual(['', completions.map(([, expected]) => expected)])
  })
}

test.each([
  ['BAD_CONFIG', 2],
  ['BAD_CONFIG_PORT', 2],
  ['NOTHING_MATCHED', 3],
  ['PEER_TIMEOUT', 4],
  ['REFUSED_CAPACITY', 5],
  ['ENGINE_ABSENT', 6],
  ['GPU_LOST', 6],
  ['CHAIN_NO_FUNDS', 5],
  ['CHAIN_UNREACHABLE', 7],
  ['FAILED_INTERRUPTED', 130],
  ['BAD_MESSAGE', 1],
  ['STORE_FULL', 1],
] as const)('%s exits with %i', (code, exitCode) => {
  expect(exitCodeOf(new NodeError(code, 'x'))).toBe(exitCode)
})

test('an error that nobody foresaw exits with 1', () => {
  expect(exitCodeOf(new TypeError('x'))).toBe(1)
})

test('help and a command show its help too; of what is no command it says so', async () => {
  expect((await cli('help')).stdout).toBe((await cli('--help')).stdout)
  expect((await cli('help', 'gpu', 'bench')).stdout).toBe(
    (await cli('gpu', 'bench', '--help')).stdout,
  )
  expect(await cli('help', 'rend')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('there is no command "rend"; did you mean rent?'),
  })
})

test.each([
  [['rent', '--bogus'], 'compute-node rent --help lists the options'],
  [['gpu', 'bench', '--bogus'], 'compute-node gpu bench --help lists the options'],
  [['--bogus'], 'compute-node --help lists the options'],
  [['devnet', '--miners', '0'], 'compute-node devnet --help: How many miners'],
  [['--role', 'boss'], 'compute-node --help: What this node does'],
  [
    ['exec', 'ab', 'ls', '-l'],
    'write what goes on from there behind --: compute-node exec LEASE -- CMD…',
  ],
  [
    ['exec', 'ab', 'ls'],
    'write what goes on from there behind --: compute-node exec LEASE -- CMD…',
  ],
  [
    ['shell', 'ab', 'htop', '-d'],
    'write what goes on from there behind --: compute-node shell LEASE -- CMD…',
  ],
  [['exec', 'ab', '-l', '--', 'ls'], 'compute-node exec --help lists the options'],
  [['drain', '--undo', '--wait'], 'compute-node drain --undo, or compute-node drain --wait'],
  [['receipts', 'ab', '--verify', 'x'], 'compute-node receipts --verify FILE'],
  [['receipts', '--verify', 'x', '--export', 'y'], 'compute-node receipts --verify FILE'],
])('a mistake in %j leads to the help that has the option', async (argv, next) => {
  const { exitCode, stderr } = await cli(...argv)
  expect(exitCode).toBe(2)
  expect(stderr).toContain(`  next: ${next}\n`)
})
