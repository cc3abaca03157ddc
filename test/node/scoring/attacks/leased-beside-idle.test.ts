import { expect, test } from 'vitest'
import { earned, H100, reportOn, type Shown, slowed } from '../../../support/shown-slots.ts'

const SLOTS = 40
/** Slots in which each name of a split card shows what it is worth when idle, one after the other. */
const FIRST = 8

test('a card that is idle under one name and leased under another earns no more than idle under one', () => {
  const alone = earned(reportOn(Array.from({ length: SLOTS }, () => [H100])))
  for (const taken of [0.1, 0.25, 0.5, 0.75, 1]) {
    const both = Array.from({ length: SLOTS }, (_, i): Shown[] =>
      i < FIRST
        ? [i % 2 === 0 ? H100 : null, i % 2 === 1 ? H100 : null]
        : [taken < 1 ? slowed(H100, 1 - taken) : null, { ...slowed(H100, taken), mode: 'leased' }],
    )
    expect(earned(reportOn(both))).toBeLessThanOrEqual(alone)
  }
})
