import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS } from '../../../../src/node/scoring/constants.ts'
import { earned, H100, honest, reportOn, type Shown, times } from '../../../support/shown-slots.ts'

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

/** What eight names earn among nine others while half of the stake says nothing of those that are quiet. */
function amongOthers(slots: readonly Shown[][]): number {
  const validators = [0, 1, 2, 3].map((i) => ({ validator: `v${i}`, stake: 100n }))
  const said = (shown: readonly Shown[]) =>
    validators.map(({ validator }, i) => {
      const told = honest(validator, shown)
      return i < 2 ? told : { ...told, rows: told.rows.filter(({ steps }) => steps > 0) }
    })
  const crowd = slots.map((names) => [...names, ...times(9, H100)])
  const { miners } = reportOn(crowd, said, { validators })
  return [...miners.values()].slice(0, slots[0]!.length).reduce((sum, one) => sum + one.score, 0)
}

// Only where the names are most devices of a network would their slots pass for its fault (notes/scoring.md §3).
test('accomplices with half of the stake that keep silent about quiet names help them to nothing', () => {
  expect(amongOthers(inTurn(null))).toBeLessThan(0.2 * whole)
})

test('names that are quiet as often as is forgiven gain a tenth at most', () => {
  const two = Array.from({ length: SLOTS }, (_, slot): Shown[] =>
    slot % 10 === 0 ? [null, H100] : [H100, null],
  )
  expect(amongOthers(two)).toBeLessThanOrEqual(whole / (1 - PUBLIC_CONSTANTS.UNKNOWN_MAX))
})
