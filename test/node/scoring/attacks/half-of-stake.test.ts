import { expect, test } from 'vitest'
import { PUBLIC_CONSTANTS } from '../../../../src/node/scoring/constants.ts'
import type { Testimony } from '../../../../src/node/scoring/evidence.ts'
import {
  earned,
  H100,
  honest,
  reportOn,
  rowOf,
  type Shown,
  shareOf,
  times,
} from '../../../support/shown-slots.ts'

const SLOTS = 96
const NAMES = 8
const whole = earned(reportOn(times(SLOTS, [H100])))

/** What accomplices say instead of an honest word. */
type Lie = (told: Testimony, slot: number) => Testimony

interface Cabal {
  /** Of a hundred. */
  readonly stake: number
  /** Of the honest stake, what says nothing at all. */
  readonly absent?: number
  readonly lie: Lie
}

/** What each name earns, in whole cards. */
function shares(slots: readonly (readonly Shown[])[], { stake, absent = 0, lie }: Cabal): number[] {
  const validators = [
    { validator: 'honest', stake: BigInt(100 - stake - absent) },
    { validator: 'cabal', stake: BigInt(stake) },
    { validator: 'absent', stake: BigInt(absent) },
  ]
  const said = (shown: readonly Shown[], slot: number) => [
    honest('honest', shown),
    lie(honest('cabal', shown), slot),
  ]
  const { miners } = reportOn(slots, said, { validators })
  return slots[0]!.map((_, i) => (miners.get(rowOf(i, null).hotkey)?.score ?? 0) / whole)
}

/** What the names of one card earn together. */
const ofNames = (slots: readonly (readonly Shown[])[], cabal: Cabal): number =>
  shares(slots, cabal)
    .slice(0, NAMES)
    .reduce((a, b) => a + b)

/** Names of one card beside others; so many of them at once show it, one group after the other. */
const inTurn = (others: number, atOnce = 1): Shown[][] =>
  Array.from({ length: SLOTS }, (_, slot) => [
    ...Array.from({ length: NAMES }, (_, name): Shown => {
      const isOn = Math.floor(name / atOnce) === slot % (NAMES / atOnce)
      return isOn ? shareOf(H100, 1 / atOnce) : null
    }),
    ...times<Shown>(others, H100),
  ])

/** Nothing of names that are quiet. */
const silent: Lie = (told) => ({ ...told, rows: told.rows.filter(({ steps }) => steps > 0) })

/** Names that are quiet worked like the others. */
const lying: Lie = (told) => {
  const rows = told.rows.map((row, i) => (row.steps > 0 ? row : rowOf(i, H100)))
  return { ...told, rows, verdicts: rows.map((row) => ({ ...row, verdict: 'VALID' })) }
}

test.each([
  ['silent', 49, silent],
  ['silent', 50, silent],
  ['silent', 51, silent],
  ['lying', 49, lying],
  ['lying', 50, lying],
] as const)(
  '%s accomplices with %i of 100 of stake help quiet names to nothing, also where those are most names',
  (_, stake, lie) => {
    for (const others of [1, 2, 3, 9]) {
      expect(ofNames(inTurn(others), { stake, lie })).toBeLessThan(0.2)
    }
  },
)

test('names that are quiet as often as is forgiven gain a tenth at most', () => {
  const slots = Array.from({ length: SLOTS }, (_, slot): Shown[] => [
    ...(slot % 10 === 0 ? [null, H100] : [H100, null]),
    ...times<Shown>(9, H100),
  ])
  const [one, two] = shares(slots, { stake: 50, lie: silent })
  expect(one! + two!).toBeLessThanOrEqual(1 / (1 - PUBLIC_CONSTANTS.UNKNOWN_MAX))
})

test('liars with 51 of 100 of stake are the network: what they say is so', () => {
  expect(ofNames(inTurn(9), { stake: 51, lie: lying })).toBeCloseTo(NAMES, 4)
})

// A limit: absent stake never votes, so whoever lies needs no more than the honest stake that is there.
test('stake that is absent is as good as theirs to liars, and nothing to those that keep silent', () => {
  const some = { stake: 45, absent: 11 }
  expect(ofNames(inTurn(9), { ...some, lie: silent })).toBeLessThan(0.2)
  expect(ofNames(inTurn(9), { ...some, lie: lying })).toBeCloseTo(3, 1)
})

test('many names at once are no more of a network than their card', () => {
  for (const stake of [49, 50, 51]) {
    expect(ofNames(inTurn(2, 4), { stake, lie: silent })).toBeLessThan(0.65)
  }
})

// A limit: whose card is more than all others' is most of the network.
test('where nobody else has a card, half of the stake that keeps silent makes three of one', () => {
  expect(ofNames(inTurn(0), { stake: 50, lie: silent })).toBeCloseTo(3, 1)
  expect(ofNames(inTurn(0), { stake: 49, lie: silent })).toBeLessThan(0.2)
})

test('who denies some of the others for some slots does not make its names most of the network', () => {
  const deny: Lie = (told, slot) => {
    const isHidden = (i: number): boolean => i >= NAMES && slot % 8 < 3 && i % 3 !== slot % 8
    return { ...told, rows: told.rows.filter(({ steps }, i) => steps > 0 && !isHidden(i)) }
  }
  expect(ofNames(inTurn(9), { stake: 50, lie: deny })).toBeLessThan(0.25)
})

/** What is left to each of some of ten cards that half of the stake denies in the last slots, beside small names. */
function leftTo(denied: number, lastSlots: number, small: number): number {
  const slots = times<Shown[]>(SLOTS, [
    ...times<Shown>(10, H100),
    ...times<Shown>(small, shareOf(H100, 0.12)),
  ])
  const deny: Lie = (told, slot) => ({
    ...told,
    rows: told.rows.map((row, i) =>
      i < denied && slot >= SLOTS - lastSlots ? rowOf(i, null) : row,
    ),
  })
  return shares(slots, { stake: 50, lie: deny })[0]!
}

test('half of the stake that denies most cards of a network zeroes nobody, whatever small names it has beside', () => {
  for (const small of [0, 20]) expect(leftTo(10, 48, small)).toBeCloseTo(1, 4)
})

// A limit, with or without that rule: neither side of a tie can be told from the other.
test('half of the stake that denies less than most of a network costs those cards what they did not get counted', () => {
  expect(leftTo(4, 9, 0)).toBe(1)
  expect(leftTo(4, 48, 0)).toBeCloseTo(0.3, 1)
})
