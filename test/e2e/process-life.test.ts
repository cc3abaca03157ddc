import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { createControlClient } from '../../src/node/control/client.ts'
import { errorSchema, outputSchemas } from '../../src/node/output-schemas.ts'
import { endWith, firstLine, runCli, startCli, untilExists } from '../support/run-cli.ts'

const root = mkdtempSync(join(tmpdir(), 'cn-life-'))
afterAll(() => rmSync(root, { recursive: true }))

const commandArgs = (name: string): string[] => [
  ...['--network', 'local', '--genesis', 'ab'.repeat(32)],
  ...['--data-dir', join(root, name), '--json'],
]
const nodeArgs = (name: string): string[] => [
  ...['--role', 'relay', '--listen', '/ip4/127.0.0.1/tcp/0'],
  ...commandArgs(name),
]
/** A peer that does not answer, so that a command listens for as long as it was told. */
const nowhere = ['--bootstrap', '/ip4/127.0.0.1/tcp/1']

const shapeOf = (command: string) => outputSchemas[command]!.schema

/** A Node older than the program needs, such as the 20 of many machines. */
const olderNode = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path))
  .find((path) => {
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout
    return Number(/^v(\d+)/.exec(version)?.[1]) < 24
  })

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s stops a node in order', async (signal) => {
  const child = startCli(nodeArgs(signal))
  const ready = JSON.parse(await firstLine(child))
  expect(shapeOf('').parse(ready)).toMatchObject({
    event: 'ready',
    control: join(root, signal, 'control.sock'),
  })
  expect(ready.addrs[0]).toContain(ready.peerId)
  expect(existsSync(ready.control)).toBe(true)
  expect(await endWith(child, signal)).toBe(0)
  expect(existsSync(ready.control)).toBe(false)
  expect(existsSync(join(root, signal, 'lock'))).toBe(false)
})

test('a node that was killed starts again as the same peer', async () => {
  const first = startCli(nodeArgs('killed'))
  const { peerId } = JSON.parse(await firstLine(first))
  await endWith(first, 'SIGKILL')
  const second = startCli(nodeArgs('killed'))
  expect(JSON.parse(await firstLine(second)).peerId).toBe(peerId)
  expect(await endWith(second, 'SIGTERM')).toBe(0)
})

test('status and peers ask the running node; without one, status says so', async () => {
  const folder = ['--data-dir', join(root, 'asked')]
  const child = startCli(nodeArgs('asked'))
  const { peerId } = JSON.parse(await firstLine(child))
  const status = await runCli(['status', '--json', ...folder])
  expect(shapeOf('status').parse(JSON.parse(status.stdout))).toMatchObject({
    peerId,
    roles: ['relay'],
    pid: child.pid,
  })
  expect((await runCli(['status', '-q', ...folder])).stdout).toBe(`${peerId}\n`)
  expect((await runCli(['peers', '--json', ...folder])).stdout).toBe('{"items":[]}\n')
  await endWith(child, 'SIGTERM')
  const after = await runCli(['status', ...folder])
  expect(after).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('no node runs') })
})

test('without a running node a command starts one of its own, and leaves nothing running', async () => {
  const relay = startCli(nodeArgs('relay'))
  const { peerId, addrs } = JSON.parse(await firstLine(relay))
  const own = join(root, 'own')
  const args = ['peers', '--network', 'local', '--genesis', 'ab'.repeat(32), '--data-dir', own]
  const { stdout, exitCode } = await runCli([
    ...args,
    '--bootstrap',
    addrs[0],
    '-q',
    '--gather',
    '2s',
  ])
  expect({ stdout, exitCode }).toEqual({ stdout: `${peerId}\n`, exitCode: 0 })
  expect(existsSync(join(own, 'lock'))).toBe(false)
  await endWith(relay, 'SIGTERM')
})

test('the JSON of peers and of failures has the documented shape', async () => {
  const relay = startCli(nodeArgs('shape-relay'))
  const { addrs } = JSON.parse(await firstLine(relay))
  const other = startCli([...nodeArgs('shape-other'), '--bootstrap', addrs[0]])
  await firstLine(other)
  const folder = ['--data-dir', join(root, 'shape-other'), '--json']
  let items: unknown[] = []
  while (items.length === 0) {
    const { stdout } = await runCli(['peers', ...folder])
    items = (shapeOf('peers').parse(JSON.parse(stdout)) as { items: unknown[] }).items
  }
  await Promise.all([endWith(relay, 'SIGTERM'), endWith(other, 'SIGTERM')])
  const failed = await runCli(['status', ...folder])
  expect(errorSchema.parse(JSON.parse(failed.stdout)).error.code).toBe('FAILED_NOT_RUNNING')
})

test('a node made for one command stays while another command uses it', async () => {
  const child = startCli(['peers', ...commandArgs('shared'), '--gather', '1s', ...nowhere])
  const ended = once(child, 'exit')
  await untilExists(join(root, 'shared/control.sock'), child)
  const folder = ['--data-dir', join(root, 'shared')]
  using client = createControlClient(join(root, 'shared/control.sock'))
  const hold = await client.hold()
  await firstLine(child) // its own work is done
  expect(await runCli(['peers', '--json', ...folder])).toMatchObject({ exitCode: 0 })
  expect(child.exitCode).toBeNull()
  hold[Symbol.dispose]()
  expect(await ended).toEqual([0, null])
})

test('a command that waits ends at the first Ctrl-C', async () => {
  const child = startCli(['peers', ...commandArgs('waits'), '--gather', '10m', ...nowhere])
  await untilExists(join(root, 'waits/control.sock'), child)
  expect(await endWith(child, 'SIGINT')).toBe(130)
  expect(existsSync(join(root, 'waits/lock'))).toBe(false)
})

test('help and version need no command to be loaded', async () => {
  const help = await runCli(['--help'])
  expect(help).toMatchObject({ exitCode: 0, stderr: '' })
  expect(help.stdout).toContain('--role')
  expect((await runCli(['peers', '--help'])).stdout).toMatch(/^Usage: compute-node peers/)
  expect((await runCli(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('a reader that goes away is no failure', () => {
  const entry = join(import.meta.dirname, '../../bin/compute-node.js')
  const piped = spawnSync('sh', ['-c', `"${process.execPath}" "${entry}" --help | head -1`], {
    encoding: 'utf8',
  })
  expect(piped.stderr).toBe('')
})

const onOlderNode = test.skipIf(olderNode === undefined)

onOlderNode('an older Node hands over, with exit code and output', async () => {
  const options = { node: olderNode! }
  expect((await runCli(['--version'], options)).stdout).toMatch(/^\d/)
  expect(await runCli(['--rol'], options)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--role'),
  })
  const version = JSON.parse((await runCli(['version', '--json'], options)).stdout)
  const { node } = shapeOf('version').parse(version) as { node: string }
  expect(Number(/^v(\d+)/.exec(node)![1])).toBeGreaterThanOrEqual(24)
})

onOlderNode('an older Node hands signals on', async () => {
  const child = startCli(nodeArgs('handed'), { node: olderNode! })
  const { control } = JSON.parse(await firstLine(child))
  expect(await endWith(child, 'SIGINT')).toBe(0)
  expect(existsSync(control)).toBe(false)
})

onOlderNode('when the older Node is killed, the node it started ends too', async () => {
  const child = startCli(nodeArgs('orphan'), { node: olderNode! })
  const { control } = JSON.parse(await firstLine(child))
  await endWith(child, 'SIGKILL')
  while (existsSync(join(root, 'orphan/lock'))) await sleep(50)
  expect(existsSync(control)).toBe(false)
})
