import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startChild } from '../../../src/node/devnet/child.ts'
import { runCommand } from '../../../src/node/devnet/run-command.ts'
import { processesWith } from '../../support/processes.ts'

const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(COMPUTE_NODE_|VITEST|NODE_OPTIONS)/.test(name),
  ),
)

function relay(more: readonly string[] = []) {
  const dataDir = mkdtempSync(join(tmpdir(), 'cn-devnet-child-'))
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }))
  const network = ['--network', 'local', '--genesis', 'ab'.repeat(32)]
  const listen = ['--listen', '/ip4/127.0.0.1/tcp/0']
  const args = ['--role', 'relay', ...network, ...listen, '--data-dir', dataDir, '--json', ...more]
  return { name: 'relay', args, dataDir, env, signal: new AbortController().signal }
}

test('a child gives its ready line and stops in order', async () => {
  const options = relay()
  const child = await startChild(options)
  expect(child.ready).toMatchObject({
    event: 'ready',
    control: join(options.dataDir, 'control.sock'),
  })
  expect(child.wasStopped()).toBe(false)
  await child.stop()
  expect(child.wasStopped()).toBe(true)
  expect(await child.ended).toBe('exit code 0')
  expect(existsSync(join(options.dataDir, 'control.sock'))).toBe(false)
})

test('a child that ends at once is told of with where its log lies', async () => {
  const options = relay(['--listen', 'nonsense'])
  const log = join(options.dataDir, 'node.log')
  await expect(startChild(options)).rejects.toMatchObject({
    code: 'FAILED_DEVNET',
    message: 'relay did not start: exit code 2',
    next: `read ${log}`,
  })
})

test('a start that is called off leaves no process', async () => {
  const life = new AbortController()
  const options = { ...relay(), signal: life.signal }
  const starting = startChild(options)
  life.abort(new Error('enough'))
  await expect(starting).rejects.toThrow('enough')
  expect(processesWith(options.dataDir)).toEqual([])
})

test('a child ends with the process that started it, however that ends', async () => {
  const options = relay()
  const parent = fork(join(import.meta.dirname, '../../support/devnet-parent.ts'), {
    env: { ...env, CHILD: JSON.stringify(options) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [pid] = (await once(parent, 'message')) as [number]
  expect(processesWith(options.dataDir).map((one) => one.pid)).toContain(pid)
  parent.kill('SIGKILL')
  while (processesWith(options.dataDir).some((one) => one.pid === pid)) await delay(50)
  expect(readFileSync(join(options.dataDir, 'node.log'), 'utf8')).not.toContain('unhandled')
})

test('a command run as a person would gives its output and its exit code', async () => {
  const { signal } = new AbortController()
  expect(await runCommand(['--version'], { env, signal })).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
  })
  const wrong = await runCommand(['--rol'], { env, signal })
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--role') })
})
