import { expect, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/gpu/hash.ts'
import { createScores } from '../../../src/node/scores.ts'
import { challengeMiners } from '../../../src/node/services/challenge-miners.ts'
import {
  inventsHeads,
  vouchesForBadPath,
  vouchesForFalseValue,
} from '../../support/lies/accomplice.ts'
import { callsSilent, callsTrueValueFalse } from '../../support/lies/accuses.ts'
import type { Lie } from '../../support/lies/lie.ts'
import { copiesAReport, showsAnotherReport, tellsTwoReports } from '../../support/lies/reports.ts'
import { validUnseen } from '../../support/lies/valid-unseen.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))
const lies = [
  validUnseen,
  vouchesForFalseValue,
  vouchesForBadPath,
  inventsHeads,
  callsTrueValueFalse,
  callsSilent,
  tellsTwoReports,
  showsAnotherReport,
  copiesAReport,
]

/** Honest miners and cheats, honest validators with most of the stake, and one of each liar beside them. */
async function marketOf() {
  const market = createSlotMarket()
  const { pulseSource } = market
  const first = await market.node('validator', { stake: 300n })
  const near = { pulseSource, knows: [first] }
  const rival = await market.node('miner', near)
  const falseValue = await market.node('miner', {
    ...near,
    misbehaviour: { seed: (seed, work) => (work === 'gemm' ? sha256(seed) : seed) },
  })
  const badPath = await market.node('miner', {
    ...near,
    misbehaviour: {
      openings: ({ gemm, ...others }) => ({
        ...others,
        gemm: { ...gemm, rows: flipFirst(gemm.rows) },
      }),
    },
  })
  const miners = [rival, falseValue, badPath]
  const knows = [first, ...miners]
  const second = await market.node('validator', { pulseSource, knows, stake: 200n })
  // Without stake it is never drawn, and it looks at nothing that nobody quarrels over.
  const spared = await market.node('validator', { pulseSource, knows, stake: 0n, sampling: 0 })
  const about = {
    rival: rival.peerId,
    falseValue: falseValue.peerId,
    badPath: badPath.peerId,
  }
  const liars = new Map<Lie, Member>()
  for (const lie of lies) {
    const service = (parts: Member['parts']) =>
      challengeMiners({
        ...parts,
        testifierOf: (needs) => lie.testifier({ ...parts, ...needs }, about),
      })
    liars.set(lie, await market.node('validator', { pulseSource, knows, stake: 10n, service }))
  }
  return { market, first, second, spared, rival, falseValue, badPath, liars }
}

test('what each lying validator says is left out for its reason, and the honest miner earns as if they were not', {
  timeout: 600_000,
}, async () => {
  const { market, first, second, spared, rival, falseValue, badPath, liars } = await marketOf()
  const { beacon, shared } = market
  const scoresOf = (of: Member, voices: readonly Member[], slot: number) =>
    createScores({
      ...of,
      ...of.parts,
      attestations: {
        ...of.parts.attestations,
        slots: (from = slot, to = slot) =>
          of.parts.attestations.slots(Math.max(from, slot), Math.min(to, slot)),
      },
      beacon,
      validators: {
        validators: () =>
          shared.validators.filter(({ peerId }) => voices.some((one) => one.peerId === peerId)),
      },
      registered: () => undefined,
    })
  const everyone = [first, second, ...liars.values()]
  const slotIn = (scores: ReturnType<typeof scoresOf>, miner: Member) =>
    scores.of(miner.peerId)?.gpus[0]?.slots[0]
  const reasonAt = (of: Member, lie: Lie, slot: number): string | undefined => {
    const scores = scoresOf(of, everyone, slot)
    const validator = liars.get(lie)!.peerId
    const words =
      lie.of === 'slot'
        ? scores.current().ignored
        : [rival, badPath].flatMap((miner) => slotIn(scores, miner)?.ignored ?? [])
    return words.find((one) => one.validator === validator)?.reason
  }
  const verdictOf = (by: Member, of: Member, miner: Member, slot: number) =>
    of.parts.attestations
      .verdictsOn(slot, miner.peerId, 'cpu-0')
      .find(({ validator }) => validator === by.peerId)?.row.verdict
  const hasAll = (of: Member, slot: number): boolean =>
    lies.every((lie) => reasonAt(of, lie, slot) === lie.reason) &&
    [first, second].every(
      (by) =>
        verdictOf(by, of, rival, slot) === 'VALID' &&
        verdictOf(by, of, badPath, slot) === 'BAD_PATH' &&
        verdictOf(by, of, falseValue, slot) === 'BAD_VALUE',
    ) &&
    slotIn(scoresOf(of, everyone, slot), rival)?.outcome === 'ok' &&
    ([rival, badPath] as const).every((m) => verdictOf(spared, of, m, slot) !== undefined)

  // A busy machine loses slots to its own slowness; the first in which everybody said its say counts, or else the last.
  let slot = 0
  for (let tries = 0; tries < 10; tries++) {
    slot = market.nextSlot()
    const over = timeOf(beacon, slot + 18)
    await eventually(() => hasAll(first, slot) || Date.now() > over, 'the slot is over', 60_000)
    if (hasAll(first, slot)) break
  }
  for (const of of [first, second]) {
    await eventually(() => hasAll(of, slot), 'both honest validators know the same', 30_000)
    expect(lies.map((lie) => [lie.name, reasonAt(of, lie, slot)])).toEqual(
      lies.map(({ name, reason }) => [name, reason]),
    )
    const [with_, without] = [scoresOf(of, everyone, slot), scoresOf(of, [first, second], slot)]
    const { ignored: _, ...rivals } = slotIn(with_, rival)!
    expect(rivals).toMatchObject({ outcome: 'ok', units: expect.any(Number) })
    expect(rivals).toEqual(slotIn(without, rival))
    expect(with_.of(rival.peerId)!.score).toBe(without.of(rival.peerId)!.score)
    expect(with_.of(rival.peerId)!.score).toBeGreaterThan(0)
    // What no proof shows is outvoted by those that looked; what one shows needs nobody's vote.
    expect(slotIn(with_, badPath)).toMatchObject({ outcome: 'failed', reason: 'BAD_PATH' })
    expect(slotIn(with_, falseValue)).toMatchObject({ outcome: 'failed', reason: 'BAD_VALUE' })
    // Two lies are false by proofs that everybody has; nobody honest is convicted.
    const convicted = [vouchesForFalseValue, callsTrueValueFalse].map((l) => liars.get(l)!.peerId)
    expect([...of.parts.frauds.liars(slot)].toSorted()).toEqual(convicted.toSorted())
    expect(of.parts.frauds.proofs().filter(({ miner }) => miner === rival.peerId)).toEqual([])
    for (const by of [first, second])
      expect(of.parts.witnesses.isFalse(slot, by.peerId)).toBe(false)
  }
  // Who was spared the check looked where others differ, and found what there is.
  expect(verdictOf(spared, first, rival, slot)).toBe('VALID')
  expect(verdictOf(spared, first, badPath, slot)).toBe('BAD_PATH')
  expect(spared.events.filter(({ event }) => event === 'looked-again').length).toBeGreaterThan(1)
})
