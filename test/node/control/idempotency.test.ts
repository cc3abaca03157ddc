import { expect, test } from 'vitest'
import { createIdempotency } from '../../../src/node/control/idempotency.ts'

test('a key stands for one request, in whatever order its fields come', () => {
  const keys = createIdempotency()
  const path = '/v1/leases'
  const check =
    (key: string, body: unknown, at = path) =>
    () =>
      keys.check(key, { path: at, body })
  const refused = expect.objectContaining({ code: 'BAD_MESSAGE_IDEMPOTENCY' })
  check('k', { a: 1, b: { c: [1, 2], d: null } })()
  check('k', { b: { d: null, c: [1, 2] }, a: 1 })()
  expect(check('k', { a: 2, b: { c: [1, 2], d: null } })).toThrow(refused)
  expect(check('k', { a: 1, b: { c: [2, 1], d: null } })).toThrow(refused)
  expect(check('k', { a: 1, b: { c: [1, 2], d: null } }, '/v1/leases/ab/extend')).toThrow(refused)
  check('other', { a: 2 })()
})
