import { PUBLIC_CONSTANTS } from '../../src/node/scoring/constants.ts'
import type { Evidence, GpuRef, Testimony } from '../../src/node/scoring/evidence.ts'
import { type ScoreReport, score } from '../../src/node/scoring/score.ts'
import { GiB } from '../../src/units.ts'

/** What a card has, or what one of its names shows: GiB, GB/s, TOPS. */
export interface Card {
  readonly v: number
  readonly b: number
  readonly t: number
}

/** What one name shows in a slot; null: silence. */
export type Shown = (Card & { readonly mode?: 'idle' | 'leased' }) | 'exclusive' | null

export const H100: Card = { v: 76, b: 2900, t: 800 }
export const RTX4090: Card = { v: 22.5, b: 1000, t: 660 }

const N = 16_384
const WINDOWS = { residency: 6000, gemm: 3000 }
const NOTHING = { n: 0, bytes: 0, passes: 0, steps: 0 }

/** The same card at a share of its speed. */
export const slowed = ({ v, b, t }: Card, share: number): Card => ({
  v,
  b: b * share,
  t: t * share,
})

export const shareOf = ({ v, b, t }: Card, share: number): Card => ({
  v: v * share,
  b: b * share,
  t: t * share,
})

const refOf = (i: number): GpuRef => ({
  hotkey: String(i).padStart(64, '0'),
  miner: `peer${i}`,
  gpu: 'pci-0',
})

/** A report row of what is shown. */
export function rowOf(i: number, shown: Shown): Testimony['rows'][number] {
  if (shown === 'exclusive') return { ...refOf(i), mode: 'exclusive', ...NOTHING }
  if (shown === null) return { ...refOf(i), mode: 'idle', ...NOTHING }
  const { v, b, t, mode = 'idle' } = shown
  const passes = (b * WINDOWS.residency) / 1000 / (v * (GiB / 1e9))
  const steps = (t * 1e12 * WINDOWS.gemm) / 1000 / (2 * N ** 3)
  return { ...refOf(i), mode, n: N, bytes: v * GiB, passes, steps }
}

const heard = (rows: Testimony['rows']): Testimony['rows'] => rows.filter(({ steps }) => steps > 0)

/** What honest validators say of what names show. */
export const honest = (validator: string, shown: readonly Shown[]): Testimony => {
  const rows = shown.map((one, i) => rowOf(i, one))
  return { validator, rows, verdicts: heard(rows).map((row) => ({ ...row, verdict: 'VALID' })) }
}

/** The report on slots, each with what every name shows; `said` makes the testimony, of one honest validator by default. */
export function reportOn(
  slots: readonly (readonly Shown[])[],
  said: (shown: readonly Shown[], slot: number) => readonly Testimony[] = (shown) => [
    honest('v0', shown),
  ],
  more: Partial<Evidence> = {},
): ScoreReport {
  const evidence: Evidence = {
    slots: slots.map((shown, i) => ({ slot: 900 * (i + 1), testimony: said(shown, i) })),
    validators: [{ validator: 'v0', stake: 100n }],
    measured: ['passes', 'steps'],
    windowMs: WINDOWS,
    leasedWindowMs: WINDOWS,
    roundMs: 3000,
    ...more,
  }
  return score(evidence, PUBLIC_CONSTANTS)
}

/** What all names earn together, in rated units. */
export const earned = (report: ScoreReport): number =>
  [...report.miners.values()].reduce((sum, one) => sum + one.score, 0)

/** As many slots of one thing. */
export const times = <T>(n: number, one: T): T[] => Array.from({ length: n }, () => one)
