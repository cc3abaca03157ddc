import { expect, test } from 'vitest'
import { nextRoot, VersionedState } from '../../../src/chain/dev/versioned-state.ts'

const changes = (entries: Record<string, string | null>) => new Map(Object.entries(entries))

test('each block is read as it was, and keys are listed as they were', () => {
  const state = new VersionedState(0, [['0xaa01', '0x00']], 10)
  state.apply(1, changes({ '0xaa01': '0x01', '0xaa02': '0x02' }))
  state.apply(2, changes({ '0xaa01': null, '0xbb01': '0x03' }))
  expect([0, 1, 2].map((block) => state.get('0xaa01', block))).toEqual(['0x00', '0x01', null])
  expect([0, 1, 2].map((block) => state.keys('0xaa', block))).toEqual([
    ['0xaa01'],
    ['0xaa01', '0xaa02'],
    ['0xaa02'],
  ])
  expect(state.get('0xbb01')).toBe('0x03')
})

test('a long run keeps a bounded number of states and forgets removed keys', () => {
  const state = new VersionedState(0, [], 8)
  for (let block = 1; block <= 1000; block++) {
    const removed = block > 20 ? { [`0x${block - 20}`]: null } : {}
    state.apply(block, changes({ [`0x${block}`]: '0x01', '0xcount': `0x${block}`, ...removed }))
  }
  expect(state.oldest).toBe(992)
  expect(state.get('0xcount', 992)).toBe('0x992')
  expect(state.get('0xcount', 900)).toBeNull()
  expect(state.size).toBeLessThan(40)
})

test('a key that was removed and written again stays', () => {
  const state = new VersionedState(0, [['0x01', '0xaa']], 2)
  state.apply(1, changes({ '0x01': null }))
  state.apply(2, changes({ '0x01': '0xbb' }))
  for (let block = 3; block < 10; block++) state.apply(block, changes({}))
  expect(state.get('0x01')).toBe('0xbb')
})

test('the root depends on every change and on what came before, not on their order', () => {
  const [a, b] = [
    changes({ '0x01': '0x02', '0x03': null }),
    changes({ '0x03': null, '0x01': '0x02' }),
  ]
  expect(nextRoot('0x00', a)).toBe(nextRoot('0x00', b))
  expect(nextRoot('0x01', a)).not.toBe(nextRoot('0x00', a))
  expect(nextRoot('0x00', changes({ '0x01': '0x03', '0x03': null }))).not.toBe(nextRoot('0x00', a))
})
