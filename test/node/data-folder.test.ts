import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  controlSocketPath,
  createDataFolder,
  dataFolder,
  holderOf,
  lockDataFolder,
} from '../../src/node/data-folder.ts'

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-folder-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(root, { recursive: true })
})

test('a new data folder is private', async () => {
  const { path } = await createDataFolder(join(root, 'a/b'))
  expect((await stat(path)).mode & 0o777).toBe(0o700)
})

test('a folder that cannot be made is bad configuration', async () => {
  await writeFile(join(root, 'file'), '')
  await expect(createDataFolder(join(root, 'file/x'))).rejects.toMatchObject({
    code: 'BAD_CONFIG_FOLDER',
  })
})

test('one process holds a folder, and another is told which', async () => {
  const folder = await createDataFolder(join(root, 'x'))
  const lock = await lockDataFolder(folder)
  await expect(lockDataFolder(folder)).rejects.toMatchObject({
    code: 'BAD_CONFIG_LOCKED',
    message: expect.stringContaining(`process ${process.pid}`),
  })
  expect(await holderOf(folder)).toMatchObject({ pid: process.pid })
  await lock[Symbol.asyncDispose]()
  expect(await holderOf(folder)).toBeUndefined()
  await using _again = await lockDataFolder(folder)
})

test('the lock of a process that is gone is taken over', async () => {
  const folder = await createDataFolder(join(root, 'x'))
  const { pid } = spawnSync('true')
  await writeFile(folder.lockFile, JSON.stringify({ pid, began: '1' }))
  expect(await holderOf(folder)).toBeUndefined()
  await using _lock = await lockDataFolder(folder)
  expect(await readdir(folder.path)).toEqual(['lock'])
})

test.skipIf(process.platform !== 'linux')(
  'a pid that now belongs to another process holds nothing',
  async () => {
    const folder = await createDataFolder(join(root, 'x'))
    await writeFile(folder.lockFile, JSON.stringify({ pid: process.pid, began: '1' }))
    await using _lock = await lockDataFolder(folder)
  },
)

test('a lock file of no sense is taken over', async () => {
  const folder = await createDataFolder(join(root, 'x'))
  await writeFile(folder.lockFile, 'garbage')
  await using _lock = await lockDataFolder(folder)
})

test('of many that start at once over a stale lock, one wins', async () => {
  const folder = await createDataFolder(join(root, 'x'))
  await writeFile(folder.lockFile, JSON.stringify({ pid: spawnSync('true').pid, began: '1' }))
  const module = join(import.meta.dirname, '../../src/node/data-folder.ts')
  const script = `
    import { dataFolder, lockDataFolder } from ${JSON.stringify(module)}
    try {
      await lockDataFolder(dataFolder(${JSON.stringify(folder.path)}))
      console.log('won')
      setInterval(() => {}, 1000)
    } catch (error) { console.log(error.code) }`
  const children = Array.from({ length: 5 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script]),
  )
  try {
    const said = await Promise.all(
      children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
    )
    expect(said.toSorted()).toEqual([...Array(4).fill('BAD_CONFIG_LOCKED'), 'won'])
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
})

test('the control socket stands in the folder', async () => {
  expect(await controlSocketPath(root)).toBe(join(root, 'control.sock'))
})

test('a path too long for a socket moves to a private runtime folder', async () => {
  vi.stubEnv('XDG_RUNTIME_DIR', root)
  const long = join(root, 'x'.repeat(100))
  const path = await controlSocketPath(long)
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(100)
  expect(dirname(path)).toBe(join(root, 'compute-node'))
  expect((await stat(dirname(path))).mode & 0o777).toBe(0o700)
  expect(await controlSocketPath(long)).toBe(path)
  expect(await controlSocketPath(`${long}y`)).not.toBe(path)
})

test('a runtime folder that others may enter is refused', async () => {
  vi.stubEnv('XDG_RUNTIME_DIR', root)
  await mkdir(join(root, 'compute-node'))
  await chmod(join(root, 'compute-node'), 0o755)
  await expect(controlSocketPath(join(root, 'x'.repeat(100)))).rejects.toMatchObject({
    code: 'BAD_CONFIG_RUNTIME',
  })
})

test('the layout is what other tools may rely on', () => {
  expect(dataFolder('/data')).toEqual({
    path: '/data',
    keyFile: '/data/identity.key',
    storeFolder: '/data/store',
    configFile: '/data/config.json',
    tokenFile: '/data/control.token',
    lockFile: '/data/lock',
    inetFile: '/data/inet.json',
  })
})
