import { expect, test } from 'vitest'
import { earned, H100, reportOn, type Shown, shareOf, times } from '../../../support/shown-slots.ts'

const SLOTS = 96
const whole = earned(reportOn(times(SLOTS, [H100])))

/** Eight names of one card, of which one shows it in each slot. */
const inTurn = (quiet: Shown) =>
  Array.from({ length: SLOTS }, (_, slot) =>
    Array.from({ length: 8 }, (_, name) => (slot % 8 === name ? H100 : quiet)),
  )

test('eight names of one card that answer in turn earn an eighth of it', () => {
  expect(earned(reportOn(inTurn(null)))).toBeLessThan(0.15 * whole)
})

// By their number they would be most of what was ok just before, and whoever did not hear them would have to abstain.
test('a card of as many names as all others have earns nothing for slots in which it does nothing', () => {
  const names = 10
  const slots = Array.from({ length: SLOTS }, (_, slot): Shown[] => [
    ...times<Shown>(names, slot % 2 === 0 ? shareOf(H100, 1 / names) : null),
    ...times<Shown>(9, H100),
  ])
  const mine = [...reportOn(slots).miners.values()].slice(0, names)
  expect(mine.reduce((sum, one) => sum + one.score, 0)).toBeLessThan(0.3 * whole)
})
