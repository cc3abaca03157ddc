import { expect, test } from 'vitest'
import { createCapacity } from '../../../src/node/leases/capacity.ts'

/** `a/gpu-0` is on engine `a`. */
const onTwo = () =>
  createCapacity(['a/gpu-0', 'a/gpu-1', 'b/gpu-0'], (device) => device.split('/')[0])

test('a lease takes all of one engine, or a part of it, and never of two', () => {
  const capacity = onTwo()
  expect(() => capacity.reserve('one', ['a/gpu-0', 'b/gpu-0'])).toThrow(
    expect.objectContaining({
      code: 'REFUSED_NO_CAPACITY',
      message: expect.stringMatching(/several machines/),
    }),
  )
  expect(capacity.free()).toEqual(['a/gpu-0', 'a/gpu-1', 'b/gpu-0'])
  capacity.reserve('one', ['a/gpu-1'])
  capacity.reserve('two', ['b/gpu-0'])
  expect(capacity.free()).toEqual(['a/gpu-0'])
  expect(() => capacity.reserve('three', ['a/gpu-0', 'a/gpu-1'])).toThrow(/gpu-1 is taken/)
})

test('an engine that is shut keeps nobody from another, and takes nothing from its leases', () => {
  const capacity = onTwo()
  let changes = 0
  capacity.onChange(() => changes++, new AbortController().signal)
  capacity.reserve('one', ['a/gpu-0'])
  capacity.shut('a does not answer', 'a')
  expect([capacity.free(), capacity.shutOf('a/gpu-1'), capacity.shutOf('b/gpu-0')]).toEqual([
    ['b/gpu-0'],
    'a does not answer',
    undefined,
  ])
  expect(() => capacity.reserve('two', ['a/gpu-1'])).toThrow(/takes no lease now: a does not/)
  capacity.adopt('of a run before', ['a/gpu-1'])
  expect(capacity.holds('one')).toBe(true)
  const before = changes
  capacity.shut('a does not answer', 'a')
  expect(changes).toBe(before)
  capacity.shut(undefined, 'a')
  capacity.release('one')
  expect(capacity.free()).toEqual(['a/gpu-0', 'b/gpu-0'])
})

test('without engines of a name, shutting is for all', () => {
  const capacity = createCapacity(['gpu-0', 'gpu-1'])
  capacity.shut('the disk is full')
  expect(capacity.free()).toEqual([])
  capacity.shut(undefined)
  expect(capacity.free()).toEqual(['gpu-0', 'gpu-1'])
})
