import { expect, test } from 'vitest'
import { randomFrom } from '../../../support/random.ts'
import { earned, H100, reportOn, shareOf, times } from '../../../support/shown-slots.ts'

const SLOTS = 32

test('one card as 2 to 8 names that share it in every slot earns no more than the card', () => {
  const whole = earned(reportOn(times(SLOTS, [H100])))
  const random = randomFrom(11)
  for (let i = 0; i < 60; i++) {
    const parts = Array.from({ length: 2 + Math.floor(random() * 7) }, () => random())
    const sum = parts.reduce((a, b) => a + b)
    const names = parts.map((part) => shareOf(H100, part / sum))
    expect(earned(reportOn(times(SLOTS, names)))).toBeLessThanOrEqual(whole * 1.0001)
  }
})
