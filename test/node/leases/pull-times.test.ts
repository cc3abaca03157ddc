import { expect, test } from 'vitest'
import { pullMsOf } from '../../../src/node/leases/pull-times.ts'

const past = [
  { image: 'big', engine: undefined, ms: 300 },
  { image: 'small', engine: undefined, ms: 100 },
  { image: 'big', engine: undefined, ms: 2 },
]

test.each([
  ['one that was there the last time', 'big', undefined, past, 2],
  ['one that came once', 'small', undefined, past, 100],
  ['one that never came: as long as others at most, on average', 'new', undefined, past, 200],
  ['one that came to another engine', 'big', 'rig', past, 200],
  ['the first of all', 'new', undefined, [], 60_000],
])('how long an image takes: %s', (_, image, engine, pulls, ms) => {
  expect(pullMsOf({ image, engine }, pulls)).toBe(ms)
})
