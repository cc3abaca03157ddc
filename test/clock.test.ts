import { once } from 'node:events'
import { expect, test } from 'vitest'
import { deadline } from '../src/clock.ts'

test('a deadline can be brought forward, never put off', async () => {
  using limit = deadline(undefined, 3_600_000)
  limit.within(20)
  limit.within(7_200_000)
  await once(limit.signal, 'abort')
  expect(limit.expired).toBe(true)
  expect(String(limit.signal.reason)).toMatch(/timed out after \d+ ms/)
})

test('a deadline that its parent ended stays as it ended', () => {
  const parent = new AbortController()
  using limit = deadline(parent.signal, 3_600_000)
  parent.abort(new Error('stopped'))
  limit.within(0)
  expect(limit.expired).toBe(false)
  expect(String(limit.signal.reason)).toContain('stopped')
})
