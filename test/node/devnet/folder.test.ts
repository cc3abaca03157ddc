import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { devnetLayout } from '../../../src/node/devnet/layout.ts'
import { takeFolder } from '../../../src/node/devnet/lock.ts'
import { acquireLock } from '../../../src/node/pid-lock.ts'

const { signal } = new AbortController()

function newLayout() {
  const parent = mkdtempSync(join(tmpdir(), 'cn-devnet-folder-'))
  onTestFinished(() => rmSync(parent, { recursive: true, force: true }))
  return devnetLayout(join(parent, 'market'), 2, 1)
}

/** A devnet's folder with state of a run that has ended. */
async function usedFolder() {
  const layout = newLayout()
  await using _taken = await takeFolder(layout, false, signal)
  mkdirSync(join(layout.root, 'renter'))
  writeFileSync(join(layout.root, 'renter/identity.key'), 'secret')
  return layout
}

test('every member has a name and a folder of its own', () => {
  const { members, chainDir } = devnetLayout('/d', 2, 1)
  expect(members.map(({ name, role, dataDir }) => [name, role, dataDir])).toEqual([
    ['relay', 'relay', '/d/relay'],
    ['miner-1', 'miner', '/d/miner-1'],
    ['miner-2', 'miner', '/d/miner-2'],
    ['validator-1', 'validator', '/d/validator-1'],
    ['renter', 'renter', '/d/renter'],
  ])
  expect(members.map(({ dataDir }) => dataDir)).not.toContain(chainDir)
})

test('state is fresh, unless it is to be kept', async () => {
  const layout = await usedFolder()
  const key = join(layout.root, 'renter/identity.key')
  await (await takeFolder(layout, true, signal))[Symbol.asyncDispose]()
  expect(existsSync(key)).toBe(true)
  await (await takeFolder(layout, false, signal))[Symbol.asyncDispose]()
  expect(existsSync(key)).toBe(false)
  expect(readdirSync(layout.root)).toEqual(['devnet.json'])
})

test('a second devnet is refused and told which process runs, and takes nothing away', async () => {
  const layout = await usedFolder()
  await using _first = await takeFolder(layout, true, signal)
  await expect(takeFolder(layout, false, signal)).rejects.toMatchObject({
    code: 'BAD_CONFIG_RUNNING',
    message: expect.stringContaining(`process ${process.pid}, since 2`),
    next: expect.stringContaining(`kill ${process.pid}`),
  })
  expect(existsSync(join(layout.root, 'renter/identity.key'))).toBe(true)
})

test('the lock of a devnet that was killed is taken over', async () => {
  const layout = await usedFolder()
  const gone = spawn(process.execPath, ['-e', '0'])
  await once(gone, 'exit')
  writeFileSync(join(layout.root, 'lock'), JSON.stringify({ pid: gone.pid, began: '1' }))
  await using _taken = await takeFolder(layout, false, signal)
  expect(existsSync(join(layout.root, 'renter'))).toBe(false)
})

test('nodes that a killed devnet left are waited for', async () => {
  const layout = await usedFolder()
  const lock = await acquireLock(join(layout.root, 'renter/lock'))
  if ('heldBy' in lock) throw new Error('somebody else holds it')
  let released = false
  setTimeout(() => {
    released = true
    void lock.release()
  }, 300)
  await using _taken = await takeFolder(layout, false, signal)
  expect(released).toBe(true)
})

test('a folder that is not a devnet’s is left as it is', async () => {
  const layout = newLayout()
  mkdirSync(layout.root, { recursive: true })
  const thesis = join(layout.root, 'thesis.txt')
  writeFileSync(thesis, 'years of work')
  for (const keep of [false, true]) {
    await expect(takeFolder(layout, keep, signal)).rejects.toMatchObject({
      code: 'BAD_CONFIG_FOLDER',
    })
  }
  expect(readdirSync(layout.root)).toEqual(['thesis.txt'])
})
