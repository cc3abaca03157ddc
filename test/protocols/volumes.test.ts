import { expect, test } from 'vitest'
import { snapshotTag } from '../../src/protocols/session-snapshot.ts'
import { agreedVolumes, askedVolumes, volumePath } from '../../src/protocols/volumes.ts'

test.each(['/data', '/home/user/.cache', '/a-b_c+d@e', '/procs'])('%s is a path', (path) => {
  expect(volumePath().safeParse(path).success).toBe(true)
})

test.each([
  '',
  '/',
  'data',
  '/data/',
  '//data',
  '/data/../etc',
  '/./data',
  '/a b',
  '/a:b',
  '/proc',
  '/sys/fs',
  '/dev/shm',
  '/run',
  '/.cn',
  '/.cn/bin',
  `/${'a'.repeat(300)}`,
])('%j is none', (path) => {
  expect(volumePath().safeParse(path).success).toBe(false)
})

const one = { name: 'data', path: '/data' }

test('names and paths of one lease differ', () => {
  expect(askedVolumes().safeParse([one, { name: 'more', path: '/more' }]).success).toBe(true)
  expect(askedVolumes().safeParse([one, { ...one, path: '/more' }]).success).toBe(false)
  expect(askedVolumes().safeParse([one, { ...one, name: 'more' }]).success).toBe(false)
})

test('what is signed has a size', () => {
  expect(askedVolumes().safeParse([one]).success).toBe(true)
  expect(agreedVolumes().safeParse([one]).success).toBe(false)
  expect(agreedVolumes().safeParse([{ ...one, sizeMiB: 16 }]).success).toBe(true)
  expect(agreedVolumes().safeParse([{ ...one, sizeMiB: 15 }]).success).toBe(false)
})

test.each([
  ['cn-4f1c22:latest', true],
  ['team/work:v1.2', true],
  ['work', false],
  ['Work:1', false],
  ['registry.example:5000/work:1', false],
  ['work:1"', false],
  ['-work:1', false],
])('snapshot tag %j: %s', (tag, holds) => {
  expect(snapshotTag().safeParse(tag).success).toBe(holds)
})
