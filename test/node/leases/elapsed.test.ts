import { expect, test } from 'vitest'
import {
  beginElapsed,
  type Elapsed,
  lookElapsed,
  trusting,
} from '../../../src/node/leases/elapsed.ts'
import { belowFrom } from '../../support/random.ts'

const HOUR_MS = 3_600_000

/** Two clocks of one machine that a test sets. */
function machine() {
  const at = { wall: 1_750_000_000_000, steady: 5000 }
  return { at, clocks: { nowMs: () => at.wall, steadyMs: () => at.steady } }
}
/** What a restart leaves of it. */
const stored = ({ ms, wallMs }: Elapsed): Elapsed => ({ ms, wallMs })

test('time passes, a sleeping machine’s too', () => {
  const { at, clocks } = machine()
  let elapsed = beginElapsed(clocks)
  at.wall += 10_000
  at.steady += 10_000
  elapsed = lookElapsed(elapsed, clocks)
  expect(elapsed.ms).toBe(10_000)
  at.wall += HOUR_MS // the lid was closed: the steady clock stood still
  at.steady += 20
  expect(lookElapsed(elapsed, clocks).ms).toBe(10_000 + HOUR_MS)
})

test('a clock that is set back takes no time away', () => {
  const { at, clocks } = machine()
  let elapsed = beginElapsed(clocks)
  at.wall += 10_000 - 2 * HOUR_MS
  at.steady += 10_000
  elapsed = lookElapsed(elapsed, clocks)
  expect(elapsed).toMatchObject({ ms: 10_000 })
  expect(elapsed.isUnsure).toBeUndefined()
  at.wall += 10_000
  at.steady += 10_000
  expect(lookElapsed(elapsed, clocks).ms).toBe(20_000)
})

test('over a restart the wall clock counts; set back meanwhile, the miner is believed once', () => {
  const { at, clocks } = machine()
  let elapsed = stored(beginElapsed(clocks))
  at.wall += HOUR_MS
  at.steady = 0
  expect(lookElapsed(elapsed, clocks)).toMatchObject({ ms: HOUR_MS })
  at.wall -= 5 * HOUR_MS
  elapsed = lookElapsed(elapsed, clocks)
  expect(elapsed).toMatchObject({ ms: 0, isUnsure: true })
  elapsed = trusting(elapsed, HOUR_MS)
  expect(elapsed.ms).toBe(HOUR_MS)
  at.steady += 1000
  at.wall += 1000
  const later = lookElapsed(elapsed, clocks)
  expect(later.ms).toBe(HOUR_MS + 1000)
  expect(later.isUnsure).toBeUndefined()
})

test.each(Array.from({ length: 20 }, (_, run) => run))(
  'however often a clock is set, elapsed time is never less than what passed (run %d)',
  (seed) => {
    const below = belowFrom(seed)
    const { at, clocks } = machine()
    let elapsed = beginElapsed(clocks)
    let passedMs = 0
    for (let step = 0; step < 60; step++) {
      const stepMs = below(20_000)
      passedMs += stepMs
      at.wall += stepMs
      at.steady += stepMs
      if (below(4) === 0) at.wall += below(4 * HOUR_MS) - 2 * HOUR_MS
      const next = lookElapsed(elapsed, clocks)
      expect(next.ms).toBeGreaterThanOrEqual(elapsed.ms)
      expect(next.ms).toBeGreaterThanOrEqual(passedMs)
      elapsed = next
    }
  },
)
