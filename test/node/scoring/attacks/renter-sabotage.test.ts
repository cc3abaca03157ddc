import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS as C } from '../../../../src/node/scoring/constants.ts'
import { earned, H100, reportOn, times } from '../../../support/shown-slots.ts'

test('a renter that calls paid hours failed takes no more than as many hours, and never most of a score', () => {
  const slots = times(96, [H100])
  const whole = earned(reportOn(slots))
  for (const failedPaidHours of [0, 1, 5, 20, 72]) {
    const leases = new Map([['0'.repeat(64), { failedPaidHours, gpuHours: 72 }]])
    const left = earned(reportOn(slots, undefined, { leases }))
    expect(whole - left).toBeLessThanOrEqual((failedPaidHours / 72) * whole + 1e-6)
    expect(left).toBeGreaterThanOrEqual((1 - C.LEASE_PENALTY_MAX) * whole - 1e-6)
  }
})
