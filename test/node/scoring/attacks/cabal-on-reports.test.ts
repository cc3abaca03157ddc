import { expect, test } from 'vitest'
import type { Testimony } from '../../../../src/node/scoring/evidence.ts'
import { earned, H100, honest, reportOn, type Shown, times } from '../../../support/shown-slots.ts'

const validators = Array.from({ length: 10 }, (_, i) => ({ validator: `v${i}`, stake: 10n }))
const CABAL = 4
const slots = times(32, [H100, H100])

/** Six honest validators, of which every other one heard a step less, and what four others say together. */
const reportWith = (lie: (told: Testimony) => Testimony) =>
  reportOn(
    slots,
    (shown: readonly Shown[]) =>
      validators.map(({ validator }, i) => {
        const told = honest(validator, shown)
        if (i < CABAL) return lie(told)
        const tick = i % 2
        return { ...told, rows: told.rows.map((row) => ({ ...row, steps: row.steps - tick })) }
      }),
    { validators },
  )

const rowsAs = (change: object) => (told: Testimony) => ({
  ...told,
  rows: told.rows.map((row, i) => (i === 0 ? { ...row, ...change } : row)),
})

test.each<[string, (told: Testimony) => Testimony]>([
  ['silence', rowsAs({ passes: 0, steps: 0 })],
  ['a thousand times the work', rowsAs({ passes: 1e6, steps: 1e6 })],
  ['another size', rowsAs({ bytes: 1, n: 1 })],
  ['more memory', rowsAs({ bytes: 2 ** 45 })],
  ['an exclusive lease', rowsAs({ mode: 'exclusive', passes: 0, steps: 0 })],
  ['no offer', rowsAs({ offer: null })],
  [
    'a bad path',
    (told) => ({
      ...told,
      verdicts: told.verdicts.map((one) => ({ ...one, verdict: 'BAD_PATH' })),
    }),
  ],
  ['nothing', (told) => ({ ...told, rows: [], verdicts: [] })],
])('40 %% of stake that tells %s moves a score by a tick at most', (_, lie) => {
  const shown = earned(reportWith((told) => told))
  const lied = earned(reportWith(lie))
  const tick = 1 / 270 // of the steps of a slot
  expect(Math.abs(lied / shown - 1)).toBeLessThan(tick)
})
