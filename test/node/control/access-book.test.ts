import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { silent } from '../../../src/log.ts'
import { CODE_MS, openAccessBook } from '../../../src/node/control/access/access-book.ts'

test('a login code ends after its minute, used or not, and signs in once before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-access-book-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  let now = 1_800_000_000_000
  using book = await openAccessBook({
    file: join(folder, 'access.json'),
    rootToken: 'root',
    log: silent,
    nowMs: () => now,
  })
  const [early, late] = [book.createCode('read'), book.createCode('read')]
  expect(late.expiresAtMs).toBe(now + CODE_MS)
  now += CODE_MS - 1
  expect(await book.login(early.code)).toEqual(expect.any(String))
  expect(await book.login(early.code)).toBeUndefined()
  now += 1
  expect(await book.login(late.code)).toBeUndefined()
})
