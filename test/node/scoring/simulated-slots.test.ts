import { expect, test } from 'vitest'
import type { Announcement, Line } from '../../../src/gpu/slot.ts'
import { PUBLIC_CONSTANTS } from '../../../src/node/scoring/constants.ts'
import type { Evidence, SlotEvidence } from '../../../src/node/scoring/evidence.ts'
import { score } from '../../../src/node/scoring/score.ts'
import { GiB } from '../../../src/units.ts'
import { createLink, type LinkQuality } from '../../support/links.ts'
import { randomFrom } from '../../support/random.ts'
import {
  type Heard,
  net,
  type Pace,
  type SimulatedGpu,
  simulateSlot,
  slotNumber,
} from '../../support/slot-simulation.ts'

/** An H100 as its maker sells it: V in GiB, passes and steps per second, and what filling it again takes. */
const CARD = { gib: 72, passes: 40, n: 16_384, steps: 21, fillMs: 4300 }
/** A fast card with little memory: it fills in no time. */
const SMALL = { gib: 24, passes: 39, n: 8192, steps: 180, fillMs: 950 }
type Card = typeof CARD

const VALIDATORS = ['v1', 'v2', 'v3']
const NEAR: LinkQuality = { delayMs: 20, jitterMs: 5 }

const announced = (card: Card, id: number, gib = card.gib): Announcement => ({
  genesis: new Uint8Array(32),
  netuid: 1,
  hotkey: new Uint8Array(32).fill(id),
  peerId: `peer${id}`,
  gpuId: 'GPU-0',
  n: card.n,
  bytes: gib * GiB,
})

/** A share of a card from the beginning of each window to its end. */
const steady =
  (card: Card, share: number): Pace =>
  (work, sinceMs) =>
    (share * sinceMs * (work === 'residency' ? card.passes : card.steps)) / 1000

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const headsOf = (heads: Line['heads']): string | undefined =>
  heads && `${hex(heads.residency)}${hex(heads.gemm)}`

/** What the validators testified, as scoring reads it. */
const evidenceOf = (slot: number, heard: readonly Heard[]): SlotEvidence => ({
  slot,
  testimony: heard.flatMap(({ lines, verdicts, abstained }, v) =>
    abstained !== undefined
      ? []
      : [
          {
            validator: VALIDATORS[v]!,
            rows: lines.map(({ hotkey, heads, ...line }) => ({
              ...line,
              hotkey: hex(hotkey),
              mode: 'idle',
              heads: headsOf(heads),
            })),
            verdicts: verdicts.map(({ hotkey, miner, gpu, verdict }) => ({
              hotkey: hex(hotkey),
              miner,
              gpu,
              verdict,
              // A validator checks openings under the Finals that it heard.
              heads: headsOf(lines.find((line) => line.miner === miner && line.gpu === gpu)?.heads),
            })),
          },
        ],
  ),
})

const reportOf = (slots: readonly SlotEvidence[], constants = PUBLIC_CONSTANTS) => {
  const evidence: Evidence = {
    slots,
    validators: VALIDATORS.map((validator) => ({ validator, stake: 100n })),
    measured: ['passes', 'steps'],
    windowMs: net.windowMs,
  }
  return [...score(evidence, constants).miners.values()]
}
const total = (slots: readonly SlotEvidence[]): number =>
  reportOf(slots).reduce((sum, miner) => sum + miner.score, 0)

interface Run {
  readonly slots: number
  readonly quality: LinkQuality
  readonly seed: number
  /** Whether all validators hang on one line of the miner's, or on one each. */
  readonly oneLine: boolean
}

/** Slots of one honest card: their outcomes by the real scoring, slot by slot, and units as shares of the card. */
function honestSlots({ slots, quality, seed, oneLine }: Run) {
  const random = randomFrom(seed)
  const line = createLink(quality, random)
  const links = VALIDATORS.map(() => (oneLine ? line : createLink(quality, random)))
  const gpu: SimulatedGpu = { gpu: announced(CARD, 1), pace: steady(CARD, 1), links }
  const evidence = Array.from({ length: slots }, (_, i) => {
    return evidenceOf(slotNumber(i), simulateSlot(slotNumber(i), [gpu], random))
  })
  const constants = { ...PUBLIC_CONSTANTS, WINDOW_SLOTS: slots }
  const [miner] = reportOf(evidence, constants)
  const found = miner!.gpus[0]!.slots
  const outcomes: Record<string, number> = {}
  for (const { outcome, reason } of found) {
    const name = `${outcome} ${reason}`
    outcomes[name] = (outcomes[name] ?? 0) + 1
  }
  const units = found.map((one) => one.units).toSorted((a, b) => a - b)
  const at = (share: number): number => units[Math.floor(share * (units.length - 1))]!
  const mean = units.reduce((sum, one) => sum + one, 0) / units.length
  const spread = { mean, least: at(0), p1: at(0.01), p50: at(0.5), most: at(1) }
  const verdicts = evidence.flatMap(({ testimony }) => testimony.flatMap((one) => one.verdicts))
  const bad = verdicts.filter(({ verdict }) => verdict !== 'VALID').length
  return { outcomes, spread, bad, told: JSON.stringify({ seed, outcomes, spread, bad }) }
}

test('an honest miner never fails: 10,000 slots, three validators', { timeout: 600_000 }, () => {
  const { outcomes, spread, bad, told } = honestSlots({
    slots: 10_000,
    quality: NEAR,
    seed: 1,
    oneLine: false,
  })
  expect(outcomes, told).toEqual({ 'ok OK': 10_000 })
  expect(bad, told).toBe(0)
  expect(spread.least, told).toBeGreaterThan(0.9 * spread.most)
})

test.each<[string, LinkQuality]>([
  ['far away', { delayMs: 300, jitterMs: 40 }],
  ['with jitter', { delayMs: 60, jitterMs: 150 }],
  ['that loses every 20th packet', { delayMs: 80, jitterMs: 10, loss: 0.05 }],
  ['that stands still now and then', { delayMs: 50, jitterMs: 10, stalls: 0.02, stallMs: 2500 }],
  ['that reorders, across Finals too', { delayMs: 20, jitterMs: 200, reorders: true }],
  ['with all of it', { delayMs: 150, jitterMs: 60, loss: 0.03, stalls: 0.01, stallMs: 1500 }],
])(
  'on a line %s an honest miner earns less and never fails',
  {
    timeout: 600_000,
  },
  (_, quality) => {
    const good = honestSlots({ slots: 200, quality: NEAR, seed: 3, oneLine: true })
    const { outcomes, spread, bad, told } = honestSlots({
      slots: 1500,
      quality,
      seed: 2,
      oneLine: true,
    })
    expect(outcomes, told).toEqual({ 'ok OK': 1500 })
    expect(bad, told).toBe(0)
    expect(spread.mean, told).toBeLessThan(good.spread.mean)
    expect(spread.mean, told).toBeGreaterThan(0.5 * good.spread.mean)
  },
)

/** The slots of a scoring window of identities that one card plays, each with what it shows in a slot, or nothing. */
function identities(
  card: Card,
  count: number,
  paceOf: (identity: number, slot: number) => Pace | null,
  gib = card.gib,
): number {
  const random = randomFrom(7)
  const lines = Array.from({ length: count }, () => VALIDATORS.map(() => createLink(NEAR, random)))
  const unheard = VALIDATORS.map(() => () => null)
  const slots = Array.from({ length: PUBLIC_CONSTANTS.WINDOW_SLOTS }, (_, i) => {
    const gpus = Array.from({ length: count }, (_, id): SimulatedGpu => {
      const pace = paceOf(id, i)
      const gpu = announced(card, id + 1, gib)
      return pace === null
        ? { gpu, pace: steady(card, 0), links: unheard }
        : { gpu, pace, links: lines[id]! }
    })
    return evidenceOf(slotNumber(i), simulateSlot(slotNumber(i), gpus, random))
  })
  return total(slots)
}

const whole = (card: Card): number => identities(card, 1, () => steady(card, 1))

// scoring.md §9: 1 card, 8 identities: ≤ ×1.000. Counts are whole numbers, so a share may round up by a millionth.
test.each([2, 4, 8])(
  'one card as %i identities that share its memory in one slot earns no more',
  {
    timeout: 120_000,
  },
  (count) => {
    const shared = identities(
      CARD,
      count,
      () => steady({ ...CARD, passes: count * CARD.passes }, 1 / count),
      CARD.gib / count,
    )
    expect(shared / whole(CARD)).toBeLessThanOrEqual(1.001)
    expect(shared / whole(CARD)).toBeGreaterThan(0.8)
  },
)

// Whoever is silent has failed: the time is shared out, and reliability squares it.
test.each([2, 4, 8])(
  'one card that answers for %i identities in turn earns a share of the card',
  {
    timeout: 120_000,
  },
  (count) => {
    const inTurn = identities(CARD, count, (id, slot) =>
      slot % count === id ? steady(CARD, 1) : null,
    )
    expect(inTurn / whole(CARD)).toBeLessThanOrEqual(1.01 / count)
    expect(inTurn / whole(CARD)).toBeGreaterThan(0.9 / count)
  },
)

/**
 * A card that is filled for one identity when the window begins, and again for another in the middle of it: each shows
 * all of its memory, and shares bandwidth and arithmetic.
 */
const refilling =
  (card: Card, count: number, identity: number): Pace =>
  (work, sinceMs) => {
    if (work === 'gemm') return steady(card, 1 / count)(work, sinceMs)
    const eachMs = (net.windowMs.residency - (count - 1) * card.fillMs) / count
    const fromMs = identity * (eachMs + card.fillMs)
    return steady(card, 1)(work, Math.min(Math.max(0, sinceMs - fromMs), eachMs))
  }

// What holds a large card back is how long it fills and that memory counts as far as it is streamed in 80 ms. A small
// fast one is held back by neither: docs/proof-of-gpu.md says so, and this is how far it goes.
test('a card that fills again within a window gains nothing where it has much memory, and under 30 % where it has little', {
  timeout: 120_000,
}, () => {
  const gain = (card: Card, count: number): number =>
    identities(card, count, (id) => refilling(card, count, id)) / whole(card)
  expect(gain(CARD, 2)).toBeLessThan(0.7)
  const gains = [2, 3].map((count) => gain(SMALL, count))
  expect(Math.max(...gains)).toBeLessThan(1.3)
  expect(Math.max(...gains)).toBeGreaterThan(1)
})
