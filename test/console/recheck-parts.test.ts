import { expect, test } from 'vitest'
import type { Finding } from '../../src/console/recheck/check-here.ts'
import { comparedWith, namedBy, shownOf } from '../../src/console/recheck/check-words.ts'

const id = 'ab'.repeat(32)
const testimony = {
  ...{ transcript: id, validator: 'V', miner: 'M', gpu: 'cpu-0', slot: 24, verdict: 'VALID' },
}
const finding: Finding = {
  ...{ verdict: 'VALID', reason: '', id, bytes: 9, checks: [] },
  ...{ peerId: 'M', gpu: 'cpu-0', slot: 24 },
}

test('what came is what the validator named, or it says what it is instead', () => {
  expect(namedBy(testimony, finding)).toMatchObject({ name: 'Testimony', ok: true })
  const other = namedBy(testimony, { ...finding, id: 'cd'.repeat(32) })
  expect(other.ok).toBe(false)
  expect(other.detail).toContain('cd'.repeat(32))
  for (const over of [{ peerId: 'N' }, { gpu: 'cpu-1' }, { slot: 36 }]) {
    const found = namedBy(testimony, { ...finding, ...over })
    expect(found.ok).toBe(false)
    expect(found.detail).toContain('another device or slot')
  }
  const { peerId: _, gpu: __, slot: ___, ...unread } = finding
  expect(namedBy(testimony, unread).ok).toBe(false)
})

test('a check says what it rests on: on a local network the beacon is the transcript’s own word', () => {
  const check = { name: 'pulses', ok: true, detail: 'fill 23', ms: 30 } as const
  expect(shownOf(check, 'finney')).toMatchObject({ ...{ name: 'Pulses', ok: true, ms: 30 } })
  expect(shownOf(check, 'finney').rests).toContain('built into this page')
  expect(shownOf(check, 'local').rests).toContain('states itself')
})

test.each([
  [null, 'VALID', 'has not told'],
  ['VALID', 'VALID', 'the same'],
  ['VALID', 'BAD_PATH', 'said VALID, which this page does not find'],
])('a validator that said %s where the page finds %s', (said, found, words) => {
  expect(comparedWith(said, found)).toContain(words)
})
