import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import {
  LOCAL_CONSTANTS,
  PUBLIC_CONSTANTS,
  type ScoringConstants,
} from '../../../src/node/scoring/constants.ts'
import { score } from '../../../src/node/scoring/score.ts'
import { evidenceOf, voices } from '../../../src/node/slot-evidence.ts'
import type { Cheat } from '../../support/cheats/cheat.ts'
import { crawlingOpenings } from '../../support/cheats/crawling-openings.ts'
import { drippedBytes } from '../../support/cheats/dripped-bytes.ts'
import { duplicateRows } from '../../support/cheats/duplicate-rows.ts'
import { foreignTranscript } from '../../support/cheats/foreign-transcript.ts'
import { forgedPagePath } from '../../support/cheats/forged-page-path.ts'
import { lateRoots } from '../../support/cheats/late-roots.ts'
import { lateTicks } from '../../support/cheats/late-ticks.ts'
import { missingPages } from '../../support/cheats/missing-pages.ts'
import { oneCardInTurn, oneCardTogether } from '../../support/cheats/one-card.ts'
import { relabelledModel, rivalsUuid } from '../../support/cheats/other-names.ts'
import { otherSeed } from '../../support/cheats/other-seed.ts'
import { oversizeOpenings } from '../../support/cheats/oversize-openings.ts'
import { precomputed } from '../../support/cheats/precomputed.ts'
import { RECOMPUTED, recomputesPages } from '../../support/cheats/recomputes-pages.ts'
import { replayedTranscript } from '../../support/cheats/replayed-transcript.ts'
import { silentAfterTick } from '../../support/cheats/silent-after-tick.ts'
import { skipsRows } from '../../support/cheats/skips-rows.ts'
import { wrongShape } from '../../support/cheats/wrong-shape.ts'
import { zeroStep } from '../../support/cheats/zero-step.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket } from '../../support/slot-market.ts'
import { createCard, createTamperedBackend } from '../../support/tampered-backend.ts'

const honest = {
  name: 'honest',
  verdict: 'VALID',
  member: () => ({ backend: createTamperedBackend() }),
}
type Told = Readonly<Record<string, string>>

/** Names by PeerId, and what a validator told of a slot by name. */
async function marketOf(cheats: readonly Pick<Cheat, 'name' | 'member'>[]) {
  const market = createSlotMarket()
  const validator = await market.node('validator')
  const names = new Map<string, string>()
  const { pulseSource } = market
  for (const { name, member } of [honest, ...cheats]) {
    const miner = await market.node('miner', { ...member(), pulseSource, knowsFirstOnly: true })
    names.set(miner.peerId, name)
  }
  const testimonyOf = (slot: number) => validator.parts.attestations.slots(slot, slot)[0]
  const toldIn = (slot: number): Told =>
    Object.fromEntries(
      (testimonyOf(slot)?.testimony[0]?.verdicts?.rows ?? []).map(({ miner, verdict, work }) => [
        names.get(miner),
        [verdict, work ?? []].flat().join(' '),
      ]),
    )
  /** A busy machine loses slots to its own slowness; the first in which all is as it should be, or else the last, counts. */
  async function slotWhere(asExpected: (told: Told) => boolean): Promise<number> {
    let slot = 0
    for (let tries = 0; tries < 10; tries++) {
      slot = market.nextSlot()
      const over = timeOf(market.beacon, slot + 14)
      const isOver = (): boolean => Object.keys(toldIn(slot)).length > 0 || Date.now() > over
      await eventually(isOver, 'the slot is over', 60_000)
      if (asExpected(toldIn(slot))) break
    }
    return slot
  }
  return { market, validator, names, testimonyOf, toldIn, slotWhere }
}

const expectedOf = (cheats: readonly Pick<Cheat, 'name' | 'verdict'>[]): Told =>
  Object.fromEntries([honest, ...cheats].map(({ name, verdict }) => [name, verdict]))

test.each<[string, readonly Cheat[]]>([
  [
    'do other work than they claim',
    [
      skipsRows,
      zeroStep,
      duplicateRows,
      missingPages,
      recomputesPages,
      precomputed,
      otherSeed,
      silentAfterTick,
    ],
  ],
  [
    'open or send other than they should',
    [
      forgedPagePath,
      wrongShape,
      lateRoots,
      replayedTranscript,
      foreignTranscript,
      oversizeOpenings,
      crawlingOpenings,
      lateTicks,
      drippedBytes,
    ],
  ],
])(
  'of miners that %s each gets its signed reason; the honest one beside them is VALID',
  {
    timeout: 400_000,
  },
  async (_, cheats) => {
    const { toldIn, slotWhere } = await marketOf(cheats)
    const expected = expectedOf(cheats)
    const slot = await slotWhere((told) => isDeepStrictEqual(told, expected))
    expect(toldIn(slot)).toEqual(expected)
  },
)

const card = createCard()
/** Of these one is as good as an honest one. */
const together = [1, 2, 3].map((identity) => oneCardTogether(card, identity))
const inTurn = ([0, 1] as const).map(oneCardInTurn)

/** Whether of identities of one card one alone was found VALID, and the others as their cheat says. */
const onceValid = (identities: readonly Cheat[], told: Told): boolean =>
  identities.filter(({ name }) => told[name] === 'VALID').length === 1 &&
  identities.filter(({ name, verdict }) => told[name] === verdict).length === identities.length - 1

test('of several identities of one card one is VALID, together and in turn; a name gains nothing and costs no rival', {
  timeout: 400_000,
}, async () => {
  const others = [relabelledModel, rivalsUuid]
  const found = await marketOf([...others, ...together, ...inTurn])
  const { market, validator, names, testimonyOf, toldIn, slotWhere } = found
  const expected = expectedOf(others)
  const slot = await slotWhere(
    (told) =>
      Object.entries(expected).every(([name, verdict]) => told[name] === verdict) &&
      onceValid(together, told) &&
      onceValid(inTurn, told),
  )
  const told = toldIn(slot)
  expect(told).toMatchObject(expected)
  expect(onceValid(together, told), JSON.stringify(told)).toBe(true)
  expect(onceValid(inTurn, told), JSON.stringify(told)).toBe(true)

  const isReported = () => testimonyOf(slot)?.testimony[0]?.report !== undefined
  await eventually(isReported, 'the report of the slot', 60_000)
  const { open, windowMs } = slotNetworks.local
  const evidence = evidenceOf(testimonyOf(slot)!, voices(market.shared.validators), slot + open)
  const validators = [{ validator: validator.peerId, stake: 100n }]
  const said = { slots: [evidence], validators, measured: ['passes', 'steps'] as const, windowMs }
  const scoredBy = (constants: ScoringConstants) =>
    new Map(
      [...score(said, constants).miners.values()].flatMap(({ gpus }) =>
        gpus.map((gpu) => [names.get(gpu.miner)!, gpu] as const),
      ),
    )
  // A local network pays every device for its throughput, whatever its name.
  const local = scoredBy(LOCAL_CONSTANTS)
  const paid = [...local].filter(([, gpu]) => gpu.score > 0).map(([name]) => name)
  const valid = Object.keys(told).filter((name) => told[name] === 'VALID')
  expect(paid.toSorted()).toEqual(valid.toSorted())
  for (const [, { slots }] of local) {
    const [only] = slots
    if (only!.outcome !== 'ok') continue
    expect(only!.units).toBeCloseTo(only!.tops / LOCAL_CONSTANTS.CPU_T_REF, 3)
  }
  // Elsewhere a GPU's name asks for what a GPU shows.
  const elsewhere = scoredBy(PUBLIC_CONSTANTS)
  for (const { name } of others) {
    const [only] = elsewhere.get(name)!.slots
    expect(only).toMatchObject({ outcome: 'ok', reason: 'BELOW_MINIMUM', units: 0 })
  }
})

test('who computes pages again pays for each in permutations, and shows the same bytes', async () => {
  const roots: Uint8Array[] = []
  const costs: number[] = []
  for (const recomputed of [0, RECOMPUTED]) {
    let cost = 0
    const onPermutations = (count: number): void => {
      cost += count
    }
    const backend = createTamperedBackend({ recomputed, onPermutations })
    await backend.prepare({ n: 256, bytes: 2 ** 20 })
    const { iterations } = slotNetworks.local.residency
    await backend.fill(new Uint8Array(32).fill(1), iterations)
    roots.push(await backend.pass(new Uint8Array(32).fill(2)))
    costs.push(cost)
  }
  expect(roots[1]).toEqual(roots[0])
  expect(costs[1]! / costs[0]!).toBe(1 + RECOMPUTED * slotNetworks.local.residency.iterations)
})
