import { expect, test } from 'vitest'
import { copyPlan, placeOf } from '../../../src/node/copy/copy-ends.ts'
import { CopyJob } from '../../../src/node/copy/copy-job.ts'
import { progressLine } from '../../../src/node/copy/progress-bar.ts'

const peer = '12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN'

test('which end is a lease', () => {
  expect(copyPlan(['a', '4f1c:/b'])).toEqual({
    ...{ way: 'in', lease: '4f1c', to: '/b', from: [{ kind: 'local', path: 'a' }] },
  })
  expect(copyPlan([`${'4f'.repeat(32)}@${peer}:`, '-'])).toEqual({
    ...{ way: 'out', lease: `${'4f'.repeat(32)}@${peer}`, from: ['.'], to: { kind: 'stream' } },
  })
  const wrong = [
    ['a', 'b'],
    ['4f1c:a', '4f1c:b'],
    ['./4f1c:a', 'b'],
    ['4f1c:a', '5a5a:b', 'c'],
    ['4f1c:a', 'b', 'c'],
    ['-', 'a', '4f1c:b'],
    ['4f1c:a', '4f1c:b', '-'],
  ]
  for (const args of wrong) {
    expect(() => copyPlan(args)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG_USAGE' }))
  }
})

test.each([
  ['src', 'dst', false, false, 'dst'],
  ['src', 'dst', true, false, 'dst/src'],
  ['src/', 'dst', true, false, 'dst/src'],
  ['src/.', 'dst', true, false, 'dst'],
  ['src', 'dst/', false, false, 'dst/src'],
  ['src', 'dst', false, true, 'dst/src'],
  ['/', 'dst', true, false, 'dst'],
  ['..', 'dst', true, false, 'dst'],
  ['/a/b', '/', true, false, '/b'],
])('%s to %s (a folder: %s, of many: %s) is %s', (source, to, isFolder, isOneOfMany, place) => {
  expect(placeOf(source, to, { isFolder, isOneOfMany })).toBe(place)
})

test('a line of progress fits its terminal and shows no control characters', () => {
  const job = new CopyJob()
  Object.assign(job, { current: `\x1b[2J${'n'.repeat(90)}.bin`, plannedBytes: 3e8, doneBytes: 2e8 })
  job.bytes = 1e8
  const line = progressLine(job, 2000, 60)
  expect(line).toMatch(/^…n+\.bin {2}66% {2}200 MB {2}50\.0 MB\/s {2}0:02 left$/)
  expect(line.length).toBeLessThan(60)
  expect(progressLine(job, 2000, 200)).toMatch(/^\?\[2Jn/)
})
