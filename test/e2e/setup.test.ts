import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-setup-'))
  await mkdir(join(root, 'scripts'))
  await copyFile(
    join(import.meta.dirname, '../../scripts/setup.mjs'),
    join(root, 'scripts/setup.mjs'),
  )
  await lockfile('1.0.0')
  await writeFile(join(root, 'npm.js'), fakeNpm)
})
afterEach(() => rm(root, { recursive: true }))

/** Does what `npm ci` would, as far as the script can tell, and counts. */
const fakeNpm = `
const { appendFileSync, copyFileSync, mkdirSync, writeFileSync } = require('node:fs')
appendFileSync('calls', process.argv.slice(2).join(' ') + '\\n')
if (process.env.FAKE_NPM_FAILS) { console.error('registry says no'); process.exit(7) }
setTimeout(() => {
  mkdirSync('node_modules/node/bin', { recursive: true })
  writeFileSync('node_modules/node/bin/node', '')
  copyFileSync('package-lock.json', 'node_modules/.package-lock.json')
}, 300)
`

const lockfile = (version: string): Promise<void> =>
  writeFile(
    join(root, 'package-lock.json'),
    JSON.stringify({ packages: { '': {}, 'node_modules/node': { version } } }),
  )

const start = (env: NodeJS.ProcessEnv = {}): ChildProcess =>
  spawn(process.execPath, [join(root, 'scripts/setup.mjs')], {
    cwd: tmpdir(), // it must not depend on where it is called from
    env: { ...process.env, npm_execpath: join(root, 'npm.js'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

async function setUp(env?: NodeJS.ProcessEnv) {
  const child = start(env)
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr!), once(child, 'close')])
  return { exitCode, stderr }
}

const calls = async (): Promise<number> =>
  (await readFile(join(root, 'calls'), 'utf8')).trim().split('\n').length

test('installs once, says so, and is silent when nothing is to do', async () => {
  const first = await setUp()
  expect(first).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('installing') })
  expect(await setUp()).toEqual({ exitCode: 0, stderr: '' })
  expect(await calls()).toBe(1)
  expect(await readlink(join(root, 'node_modules/.bin/compute-node'))).toBe(
    '../../bin/compute-node.js',
  )
})

test('installs again when the lockfile changed', async () => {
  await setUp()
  await lockfile('2.0.0')
  await setUp()
  expect(await calls()).toBe(2)
})

test('does not install what npm already put in place', async () => {
  await setUp()
  await lockfile('2.0.0')
  await copyFile(join(root, 'package-lock.json'), join(root, 'node_modules/.package-lock.json'))
  expect(await setUp()).toEqual({ exitCode: 0, stderr: '' })
  expect(await calls()).toBe(1)
})

test('two at once: one installs, the other waits for it', async () => {
  const both = await Promise.all([setUp(), setUp()])
  expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0])
  expect(await calls()).toBe(1)
})

test('a set-up that was killed does not block the next', async () => {
  await mkdir(join(root, '.setup-lock'))
  const gone = spawn(process.execPath, ['-e', ''])
  await once(gone, 'close')
  await writeFile(join(root, '.setup-lock/pid'), String(gone.pid))
  expect(await setUp()).toMatchObject({ exitCode: 0 })
})

test('a failed installation shows why and what to do, and is tried again', async () => {
  const failed = await setUp({ FAKE_NPM_FAILS: '1' })
  expect(failed.exitCode).toBe(1)
  expect(failed.stderr).toContain('registry says no')
  expect(failed.stderr).toContain('npm ci failed (exit 7)')
  expect(failed.stderr).toContain('next: ')
  expect(await setUp()).toMatchObject({ exitCode: 0 })
})
