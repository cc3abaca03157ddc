import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Scope } from '../../../src/api/route.ts'
import { silent } from '../../../src/log.ts'
import { CODE_MS, openAccessBook } from '../../../src/node/control/access/access-book.ts'
import { owner } from '../../../src/node/control/access/caller.ts'
import { hoursMs } from '../../../src/units.ts'

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
  const [early, late] = [book.createCode('read', owner), book.createCode('read', owner)]
  expect(late.expiresAtMs).toBe(now + CODE_MS)
  now += CODE_MS - 1
  expect(await book.login(early.code)).toEqual(expect.any(String))
  expect(await book.login(early.code)).toBeUndefined()
  now += 1
  expect(await book.login(late.code)).toBeUndefined()
})

test('what a token makes outlives and outranks it nowhere, over restarts too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-access-book-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  let now = 1_800_000_000_000
  const open = () =>
    openAccessBook({
      file: join(folder, 'access.json'),
      rootToken: 'root',
      log: silent,
      nowMs: () => now,
    })
  using book = await open()
  const wanted = (scope: Scope, ttlMs?: number) => ({ label: scope, scope, ttlMs })
  const maker = await book.createToken(wanted('operate', hoursMs(1)), owner)
  const by = book.byToken(maker.token)!
  expect([maker.madeBy, by.madeBy]).toEqual([null, undefined])
  const made = await book.createToken(wanted('operate'), by)
  expect([made.madeBy, made.expiresAtMs]).toEqual([maker.id, maker.expiresAtMs])
  const grandchild = await book.createToken(wanted('read', 5000), book.byToken(made.token)!)
  expect([grandchild.madeBy, grandchild.expiresAtMs]).toEqual([made.id, now + 5000])
  await expect(book.createToken(wanted('read', hoursMs(1) + 1), by)).rejects.toMatchObject({
    code: 'REFUSED_TOKEN_LIFE',
  })
  const weak = { ...by, scope: 'rent' as const }
  await expect(book.createToken(wanted('operate'), weak)).rejects.toMatchObject({
    code: 'REFUSED_SCOPE',
  })
  expect(() => book.createCode('operate', weak)).toThrow(/scope/)

  // The session of its code, and what that session makes.
  const cookie = (await book.login(book.createCode('operate', by).code))!
  const session = book.bySession(cookie)!
  expect([session.madeBy, session.expiresAtMs]).toEqual([maker.id, maker.expiresAtMs])
  const ofSession = await book.createToken(wanted('rent'), session)
  expect([ofSession.madeBy, ofSession.expiresAtMs]).toEqual([maker.id, maker.expiresAtMs])
  // What the owner's own browser makes is the owner's.
  const own = book.bySession((await book.login(book.createCode('operate', owner).code))!)!
  const kept = await book.createToken(wanted('read'), own)
  expect([kept.madeBy, kept.expiresAtMs]).toEqual([null, null])

  using again = await open()
  expect(again.byToken(grandchild.token)?.madeBy).toBe(made.id)
  const late = again.createCode('read', again.byToken(maker.token)!)
  const ends = again.byToken(grandchild.token)!.ended!
  await again.revoke(maker.id)
  expect(ends.aborted).toBe(true)
  expect(await again.login(late.code)).toBeUndefined()
  for (const { token } of [maker, made, grandchild, ofSession])
    expect(again.byToken(token)).toBeUndefined()
  expect(again.bySession(cookie)).toBeUndefined()
  // Asked for before it was revoked, and made after.
  await expect(again.createToken(wanted('operate'), by)).rejects.toMatchObject({
    code: 'REFUSED_CREDENTIAL',
  })
  expect(again.tokens().map(({ id }) => id)).toEqual([kept.id])
  now += hoursMs(24)
  using last = await open()
  expect(last.tokens().map(({ id }) => id)).toEqual([kept.id])
})
