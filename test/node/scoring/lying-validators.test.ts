import { expect, test } from 'vitest'
import { LOCAL_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { GpuRef, SlotEvidence, Testimony } from '../../../src/node/scoring/evidence.ts'
import { score } from '../../../src/node/scoring/score.ts'

const ref: GpuRef = { hotkey: '01'.repeat(32), miner: 'miner', gpu: 'cpu-0' }
const counts = { mode: 'idle', n: 512, bytes: 2 ** 23, passes: 240, steps: 80 }
type Word = { readonly verdict?: string; readonly heads?: string; readonly falseWitness?: boolean }

/** What one validator says: the heads it saw, and a verdict under them or under others. */
const says = (
  validator: string,
  { verdict, heads = 'seen', falseWitness }: Word = {},
  saw: { readonly heads?: string } | 'nothing' = { heads: 'seen' },
): Testimony => ({
  validator,
  rows: [
    saw === 'nothing' ? { ...ref, ...counts, passes: 0, steps: 0 } : { ...ref, ...counts, ...saw },
  ],
  verdicts: verdict === undefined ? [] : [{ ...ref, verdict, heads, falseWitness }],
})
const valid: Word = { verdict: 'VALID' }

/** The slot as it counts; ten validators have a tenth of the stake each, and say nothing unless `testimony` has them. */
function judged(testimony: readonly Testimony[], more: Partial<SlotEvidence> = {}) {
  const validators = Array.from({ length: 10 }, (_, i) => ({ validator: `v${i}`, stake: 10n }))
  const evidence = {
    slots: [{ slot: 12, testimony, ...more }],
    validators,
    measured: ['passes', 'steps'],
    windowMs: { residency: 1000, gemm: 1000 },
  } as const
  return score(evidence, LOCAL_CONSTANTS).miners.get(ref.hotkey)?.gpus[0]?.slots[0]
}
/** Validators `from` to `to` say the same. */
const all = (
  from: number,
  to: number,
  ...what: Parameters<typeof says> extends [string, ...infer R] ? R : never
) => Array.from({ length: to - from + 1 }, (_, i) => says(`v${from + i}`, ...what))

const left = { outcome: 'networkUnknown', units: 0 }

test('a VALID counts under the heads that most stake saw, also where one alone looked', () => {
  expect(judged([...all(0, 0, valid), ...all(1, 9)])).toMatchObject({ outcome: 'ok', reason: 'OK' })
  expect(judged([...all(0, 0, valid), ...all(1, 9)])).not.toHaveProperty('ignored')
})

test('a VALID that names invented heads counts nothing, whatever its report says', () => {
  for (const saw of ['seen', 'made up']) {
    const accomplice = says('v0', { ...valid, heads: 'made up' }, { heads: saw })
    const found = judged([accomplice, ...all(1, 9)])
    expect(found).toMatchObject({ ...left, reason: 'NETWORK_UNKNOWN' })
    expect(found!.ignored).toEqual([{ validator: 'v0', reason: 'OTHER_HEADS' }])
  }
})

test('invented heads shield nobody from those that were drawn; heads that few saw fail nobody', () => {
  const openPulse = { round: 16, randomness: new Uint8Array(32).fill(7) }
  const accused = (others: readonly Testimony[]) =>
    judged([says('v0', { ...valid, heads: 'made up' }, { heads: 'made up' }), ...others], {
      openPulse,
    })
  const against = { verdict: 'UNAVAILABLE' }
  expect(accused(all(1, 9, against))).toMatchObject({
    outcome: 'failed',
    reason: 'OPENINGS_MISSING',
  })
  // Three of ten heard it at all, and two of them lie about what they heard: the third may be the honest one.
  const deaf = all(3, 9, {}, 'nothing')
  const honest = says('v0', valid)
  const liars = all(1, 2, { verdict: 'BAD_PATH', heads: 'made up' }, { heads: 'made up' })
  expect(judged([honest, ...liars, ...deaf], { openPulse })!.outcome).not.toBe('ok')
  const some = [honest, ...liars, ...all(3, 9, {}, { heads: undefined! })]
  expect(judged(some, { openPulse })).toMatchObject({ ...left, reason: 'OTHER_HEADS' })
})

test('a VALID whose witness is false counts nothing', () => {
  const found = judged([...all(0, 3, { ...valid, falseWitness: true }), ...all(4, 9)])
  expect(found).toMatchObject(left)
  expect(found!.ignored).toHaveLength(4)
  expect(found!.ignored![0]).toEqual({ validator: 'v0', reason: 'FALSE_WITNESS' })
  const beside = judged([...all(0, 3, { ...valid, falseWitness: true }), ...all(4, 9, valid)])
  expect(beside).toMatchObject({ outcome: 'ok', reason: 'OK' })
})

test('VALIDs of a minority for a cheat gain nothing against those that looked', () => {
  for (const verdict of ['BAD_PATH', 'BAD_SHAPE', 'UNAVAILABLE', 'EQUIVOCATION']) {
    const found = judged([...all(0, 1, valid), ...all(2, 4, { verdict }), ...all(5, 9)])
    expect(found).toMatchObject({ ...left, reason: 'OUTVOTED' })
  }
  const most = judged([...all(0, 3, valid), ...all(4, 9, { verdict: 'BAD_PATH' })])
  expect(most).toMatchObject({ outcome: 'failed', reason: 'BAD_PATH' })
})

test('verdicts of a minority against an honest miner cost it nothing', () => {
  const alone = judged(all(0, 9, valid))
  for (const verdict of ['BAD_PATH', 'BAD_VALUE', 'SILENT', 'UNAVAILABLE', 'EQUIVOCATION']) {
    for (const heads of ['seen', 'made up']) {
      const liars = all(0, 3, { verdict, heads }, { heads })
      expect(judged([...liars, ...all(4, 9, valid)])).toEqual(alone)
    }
  }
  expect(judged([...all(0, 3, { verdict: 'SILENT' }, 'nothing'), ...all(4, 9, valid)])).toEqual(
    alone,
  )
})

test('nobody who was drawn fails a slot that somebody honest may have seen VALID', () => {
  const openPulse = { round: 16, randomness: new Uint8Array(32).fill(7) }
  const few = [...all(0, 0, valid), ...all(1, 4, { verdict: 'BAD_PATH' }), ...all(5, 9)]
  expect(judged(few, { openPulse })).toMatchObject({ ...left, reason: 'OUTVOTED' })
})

test('those that heard nothing say nothing about openings', () => {
  const deaf = all(0, 3, { verdict: 'SILENT' }, 'nothing')
  const late = judged([...deaf, ...all(4, 4, valid), ...all(5, 9)])
  expect(late).toMatchObject({ outcome: 'ok' })
})

test('what is left out of testimony is told, with its reason', () => {
  const ignored = [{ validator: 'v0', reason: 'UNCOMMITTED' as const }]
  const evidence = {
    slots: [{ slot: 12, testimony: all(1, 9, valid), ignored }],
    validators: Array.from({ length: 10 }, (_, i) => ({ validator: `v${i}`, stake: 10n })),
    measured: ['passes', 'steps'],
    windowMs: { residency: 1000, gemm: 1000 },
  } as const
  expect(score(evidence, LOCAL_CONSTANTS).ignored).toEqual([{ slot: 12, ...ignored[0] }])
})
