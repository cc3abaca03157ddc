import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { inputUse, isUsedByOthers, useInIoreg, useInSessions } from '../../src/node/owner-use.ts'

const { PATH } = process.env
afterEach(() => {
  process.env['PATH'] = PATH
})

/** A session as loginctl shows it. */
const session = (changes: Readonly<Record<string, string>> = {}): string =>
  Object.entries({
    Class: 'user',
    Remote: 'no',
    Active: 'yes',
    IdleHint: 'no',
    LockedHint: 'no',
    ...changes,
  })
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')

test.each<[string, string, string | null]>([
  ['somebody types', session(), 'somebody is at this machine'],
  ['the desktop is idle', session({ IdleHint: 'yes' }), null],
  ['it is locked', session({ LockedHint: 'yes' }), null],
  ['from afar', session({ Remote: 'yes' }), null],
  ['another one is in front', session({ Active: 'no' }), null],
  ['the login screen', session({ Class: 'greeter' }), null],
  [
    'one of several',
    `${session({ Remote: 'yes' })}\n\n${session()}\n`,
    'somebody is at this machine',
  ],
  ['nobody is logged in', '', null],
])('%s', (_, text, expected) => {
  expect(useInSessions(text)).toBe(expected)
})

test('what macOS says of keyboard and mouse', () => {
  expect(useInIoreg('  | |   "HIDIdleTime" = 2000000000')).toBe('somebody is at this machine')
  expect(useInIoreg('  | |   "HIDIdleTime" = 400000000000')).toBeNull()
  expect(useInIoreg('nothing of it')).toBeUndefined()
  expect(useInIoreg(undefined)).toBeUndefined()
})

test('asks the system, and says where it cannot tell', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fake-loginctl-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  process.env['PATH'] = folder
  expect(await inputUse('linux')).toBeUndefined()
  expect(await inputUse('freebsd')).toBeUndefined()
  const fake = (name: string, script: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  fake(
    'loginctl',
    `case "$1" in list-sessions) echo ' 2 1000 me seat0 tty2';; *) echo '${session()}';; esac`,
  )
  expect(await inputUse('linux')).toBe('somebody is at this machine')
  fake('loginctl', 'case "$1" in list-sessions) ;; *) exit 1;; esac')
  expect(await inputUse('linux')).toBeNull()
  fake('ioreg', `echo '"HIDIdleTime" = 9'`)
  expect(await inputUse('darwin')).toBe('somebody is at this machine')
})

test("a node's own processes, its containers' and those that cannot be seen are no use by others", async () => {
  // A child of a child, whose name must not mislead who reads it.
  const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], {
    argv0: 'a) S 1 (b',
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  onTestFinished(() => void process.kill(-child.pid!, 'SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const grandchild = Number(String(line))
  const own = { pid: process.pid, containerIds: [] }
  expect(await isUsedByOthers([], own)).toBe(false)
  expect(await isUsedByOthers([process.pid, child.pid!, grandchild], own)).toBe(false)
  expect(await isUsedByOthers([2 ** 30], own)).toBe(false)
  expect(await isUsedByOthers([process.pid], { ...own, pid: child.pid! })).toBe(true)
  expect(await isUsedByOthers([grandchild], { ...own, pid: child.pid! })).toBe(false)
  // Its cgroup names the container that a process is in; every cgroup's path begins with a slash.
  const lease = { pid: child.pid!, containerIds: ['/'] }
  expect(await isUsedByOthers([process.pid], lease)).toBe(false)
})
