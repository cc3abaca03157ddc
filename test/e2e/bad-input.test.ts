import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { endWith, firstLine, runCli, startCli } from '../support/run-cli.ts'

const root = mkdtempSync(join(tmpdir(), 'cn-bad-'))
const local = ['--network', 'local', '--genesis', 'ab'.repeat(32)]
const anyPort = ['--listen', '/ip4/127.0.0.1/tcp/0']
const node = (name: string): string[] => [
  '--role',
  'relay',
  ...local,
  '--data-dir',
  join(root, name),
]

let busy: Server
let busyPort = 0
let holder: ChildProcess

beforeAll(async () => {
  busy = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => busy.once('listening', resolve))
  busyPort = (busy.address() as { port: number }).port
  holder = startCli([...node('held'), ...anyPort])
  await firstLine(holder)
})
afterAll(async () => {
  busy.close()
  await endWith(holder, 'SIGKILL')
  rmSync(root, { recursive: true })
})

function folderWithKey(text: string): string[] {
  mkdirSync(join(root, 'damaged'), { recursive: true })
  writeFileSync(join(root, 'damaged/identity.key'), text, { mode: 0o600 })
  return [...node('damaged'), ...anyPort]
}

const cases: readonly (readonly [string, () => readonly string[], string | RegExp])[] = [
  ['an unknown option', () => ['--rol', 'miner'], 'there is no option --rol; did you mean --role?'],
  ['an unknown command', () => ['offrs'], 'there is no command "offrs"'],
  ['a bad value', () => ['--role', 'minor'], '--role: expected miner'],
  ['nothing to do', () => ['--json=x'], '--json takes no value'],
  ['an option of another command', () => ['peers', '--once'], 'peers does not take --once'],
  ['an argument too many', () => ['status', 'now'], '"now" is one argument too many'],
  ['a missing argument', () => ['completion'], 'an argument is missing'],
  ['a shell that does not exist', () => ['completion', 'tcsh'], 'no completion for "tcsh"'],
  ['an unreadable file', () => ['--config', root, '--role', 'relay'], 'it is a folder'],
  ['a missing file', () => ['--config', join(root, 'none.json'), 'peers'], 'it does not exist'],
  [
    'a local network without genesis',
    () => ['--role', 'relay', '--network', 'local', '--data-dir', join(root, 'g')],
    'needs the genesis',
  ],
  [
    'a busy port',
    () => [...node('port'), '--listen', `/ip4/127.0.0.1/tcp/${busyPort}`],
    'the port is in use',
  ],
  [
    'a busy API port',
    () => [...node('api'), ...anyPort, '--api-port', String(busyPort)],
    'the port is in use',
  ],
  ['a locked data folder', () => [...node('held'), ...anyPort], /is in use by process \d+/],
  ['a corrupt key', () => folderWithKey('damaged'), 'identity.key is damaged'],
  [
    'a data folder that is a file',
    () => ['--role', 'relay', ...local, '--data-dir', join(root, 'damaged/identity.key')],
    'cannot',
  ],
]

test.each(cases)('%s: one clear line, the next step, exit 2', async (_, args, message) => {
  const { exitCode, stdout, stderr } = await runCli(args())
  expect(stderr).toMatch(/^compute-node: [^\n]+\n( {2}next: [^\n]+\n)?$/)
  expect(stderr).toMatch(message)
  expect(stdout).toBe('')
  expect(exitCode).toBe(2)
})

test('with --json the error is the last line on stdout', async () => {
  const { exitCode, stdout, stderr } = await runCli([...node('held'), ...anyPort, '--json'])
  expect(JSON.parse(stdout)).toEqual({
    error: {
      code: 'BAD_CONFIG_LOCKED',
      message: expect.stringContaining(`process ${holder.pid}`),
      next: expect.stringContaining('--data-dir'),
    },
  })
  expect(stderr).toBe('')
  expect(exitCode).toBe(2)
})
