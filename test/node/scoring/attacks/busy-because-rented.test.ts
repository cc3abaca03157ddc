import { expect, test } from 'vitest'
import { earned, H100, reportOn, type Shown, times } from '../../../support/shown-slots.ts'

test('names that are rented to their own owner add nothing to the card that proves', () => {
  const alone = earned(reportOn(times(64, [H100])))
  const rented: Shown[] = [H100, ...times<Shown>(7, 'exclusive')]
  expect(earned(reportOn(times(64, rented)))).toBe(alone)
})

test('a card that takes turns with itself as rented earns only the slots in which it proves', () => {
  const alone = earned(reportOn(times(64, [H100])))
  const turns = Array.from({ length: 64 }, (_, i): Shown[] => [i % 2 === 0 ? H100 : 'exclusive'])
  expect(earned(reportOn(turns))).toBeCloseTo(alone / 2, 4)
})
