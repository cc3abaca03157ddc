import { expect, test } from 'vitest'
import { roundAt, timeOf } from '../../../src/beacon.ts'
import { sha256 } from '../../../src/bytes.ts'
import { slotNetworks } from '../../../src/gpu/slot-network.ts'
import type { Misbehaviour } from '../../../src/node/miner-run.ts'
import { createScores } from '../../../src/node/scores.ts'
import { challengeMiners } from '../../../src/node/services/challenge-miners.ts'
import {
  inventsHeads,
  vouchesForBadPath,
  vouchesForFalseValue,
} from '../../support/lies/accomplice.ts'
import { callsSilent, callsTrueValueFalse } from '../../support/lies/accuses.ts'
import type { About, Lie } from '../../support/lies/lie.ts'
import { copiesAReport, showsAnotherReport, tellsTwoReports } from '../../support/lies/reports.ts'
import { validUnseen } from '../../support/lies/valid-unseen.ts'
import { eventually } from '../../support/nodes.ts'
import { createSlotMarket, type Member } from '../../support/slot-market.ts'

const { stride } = slotNetworks.local
const flipFirst = (bytes: Uint8Array): Uint8Array => bytes.map((b, i) => (i === 0 ? b ^ 1 : b))

/** The miners that are lied about: what each does, and what an honest validator finds. */
const ways: Readonly<Record<keyof About, { does: Misbehaviour; found: string }>> = {
  rival: { does: {}, found: 'VALID' },
  falseValue: {
    does: { seed: (seed, work) => (work === 'gemm' ? sha256(seed) : seed) },
    found: 'BAD_VALUE',
  },
  badPath: {
    does: {
      openings: ({ gemm, ...others }) => ({
        ...others,
        gemm: { ...gemm, rows: flipFirst(gemm.rows) },
      }),
    },
    found: 'BAD_PATH',
  },
}
type Way = keyof About

/** Honest miners and cheats, honest validators with most of the stake, and one of each liar beside them. */
async function marketOf(lies: readonly Lie[], cheats: readonly Way[]) {
  // Its first slot starts in the twelfth round: everybody is there by then, or takes part in the next.
  const market = createSlotMarket({ round: 8 })
  const { pulseSource } = market
  const first = await market.node('validator', { stake: 300n })
  const miners = new Map<Way, Member>()
  for (const way of ['rival', ...cheats] as const) {
    const { does: misbehaviour } = ways[way]
    miners.set(way, await market.node('miner', { pulseSource, knows: [first], misbehaviour }))
  }
  const knows = [first, ...miners.values()]
  const second = await market.node('validator', { pulseSource, knows, stake: 200n })
  // Without stake it is never drawn, and it looks at nothing that nobody quarrels over.
  const spared = await market.node('validator', { pulseSource, knows, stake: 0n, sampling: 0 })
  const peerIdOf = (way: Way): string => miners.get(way)?.peerId ?? ''
  const about = {
    rival: peerIdOf('rival'),
    falseValue: peerIdOf('falseValue'),
    badPath: peerIdOf('badPath'),
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
  return { ...market, first, second, spared, honest: [first, second] as const, miners, liars }
}
type Market = Awaited<ReturnType<typeof marketOf>>

const verdictOf = (slot: number, by: Member, of: Member, miner: Member): string | undefined =>
  of.parts.attestations
    .verdictsOn(slot, miner.peerId, 'cpu-0')
    .find(({ validator }) => validator === by.peerId)?.row.verdict

/** What one node computes of one slot, were there those validators alone. */
function scoresIn({ beacon, shared }: Market, slot: number, of: Member, voices: readonly Member[]) {
  const { attestations } = of.parts
  const validators = shared.validators.filter(({ peerId }) =>
    voices.some((one) => one.peerId === peerId),
  )
  const scores = createScores({
    ...of,
    ...of.parts,
    attestations: { ...attestations, slots: () => attestations.slots(slot, slot) },
    beacon,
    validators: { validators: () => validators },
    block: () => undefined,
  })
  const slotOf = (miner: Member) => scores.of(miner.peerId)?.gpus[0]?.slots[0]
  return { scores, slotOf }
}

/** Whether a node has heard the honest say of every miner what there is to find, and the liar what it lies. */
function isTold({ honest, miners, liars }: Market, lie: Lie, slot: number, of: Member): boolean {
  const liar = liars.get(lie)!
  const { tells } = lie
  const areHeard = [...miners].every(([way, miner]) =>
    honest.every((by) => verdictOf(slot, by, of, miner) === ways[way].found),
  )
  const all = of.parts.attestations.slots(slot, slot).flatMap((one) => one.testimony)
  // A VALID is of what was done; what earns is what arrived in time, and that a busy machine may spoil.
  const isCounted = honest.every(({ peerId }) => {
    const { rows = [] } = all.find(({ validator }) => validator === peerId)?.report ?? {}
    const row = rows.find(({ miner }) => miner === miners.get('rival')!.peerId)
    return row !== undefined && row.passes > 0 && row.steps > 0
  })
  const testimony = all.find(({ validator }) => validator === liar.peerId)
  const hasReported = testimony?.report !== undefined || testimony?.unbound !== undefined
  const hasLied =
    tells === undefined || verdictOf(slot, liar, of, miners.get(tells.about)!) === tells.verdict
  return areHeard && isCounted && hasReported && hasLied
}

/** The first slot in which all said their say: a busy machine loses some to its own slowness. */
async function slotOf(market: Market, lie: Lie, from: number): Promise<number> {
  const { beacon, honest } = market
  let slot = from
  await eventually(
    () => {
      const now = roundAt(beacon, Date.now())
      const past = Array.from(
        { length: Math.ceil((now - from) / stride) },
        (_, i) => from + i * stride,
      )
      const found = past.find((one) => honest.every((of) => isTold(market, lie, one, of)))
      slot = found ?? slot
      return found !== undefined
    },
    `a slot in which a validator ${lie.does}`,
    180_000,
  )
  return slot
}

/** Why a node leaves a liar's words out of a slot. */
function reasonOf(market: Market, lie: Lie, slot: number, of: Member): string | undefined {
  const { honest, miners, liars } = market
  const liar = liars.get(lie)!
  const { scores, slotOf: scored } = scoresIn(market, slot, of, [...honest, liar])
  const words =
    lie.of === 'slot'
      ? scores.current().ignored
      : [...miners.values()].flatMap((miner) => scored(miner)?.ignored ?? [])
  return words.find(({ validator }) => validator === liar.peerId)?.reason
}

/** What every honest node makes of a lie: its word is left out for its reason, and it changes nobody's pay. */
async function expectHarmless(market: Market, lie: Lie, slot: number): Promise<void> {
  const { honest, miners, liars, beacon } = market
  const [rival, liar] = [miners.get('rival')!, liars.get(lie)!]
  const settledMs = timeOf(beacon, slot + slotNetworks.local.end) + 2500
  for (const of of honest) {
    await eventually(
      () => Date.now() > settledMs && reasonOf(market, lie, slot, of) === lie.reason,
      `${lie.name} is left out for ${lie.reason ?? 'nothing'}`,
      60_000,
    )
    const withIt = scoresIn(market, slot, of, [...honest, liar])
    const without = scoresIn(market, slot, of, honest)
    const { ignored: _, ...earned } = withIt.slotOf(rival)!
    expect(earned).toMatchObject({ outcome: 'ok', reason: 'OK' })
    expect(earned).toEqual(without.slotOf(rival))
    const score = withIt.scores.of(rival.peerId)!.score
    expect(score).toBe(without.scores.of(rival.peerId)!.score)
    expect(score).toBeGreaterThan(0)
    // What no proof shows is outvoted by those that looked; what one shows needs nobody's vote.
    for (const [way, miner] of miners) {
      if (way === 'rival') continue
      const { found: reason } = ways[way]
      expect(withIt.slotOf(miner)).toMatchObject({ outcome: 'failed', reason })
      expect(withIt.scores.of(miner.peerId)!.score).toBe(0)
    }
    // What is false by a proof that everybody has convicts the liar; nobody honest is convicted.
    const { frauds, witnesses } = of.parts
    expect(frauds.liars(slot).has(liar.peerId)).toBe(lie.reason === 'CONVICTED')
    expect(frauds.proofs().filter(({ miner }) => miner === rival.peerId)).toEqual([])
    for (const { peerId } of honest) {
      expect(frauds.liars(slot).has(peerId)).toBe(false)
      expect(witnesses.isFalse(slot, peerId)).toBe(false)
    }
  }
}

/** Markets of few nodes, one after the other: as many as all lies need would keep each other from being in time. */
test.each<{
  what: string
  lies: readonly Lie[]
  cheats: readonly Way[]
  /** A device over which a liar and the honest differ, so that who was spared it looks. */
  quarrel?: { over: Way; lie: Lie }
}>([
  {
    what: 'of values and of bytes it never had',
    lies: [callsTrueValueFalse, vouchesForFalseValue, validUnseen],
    cheats: ['falseValue'],
    quarrel: { over: 'rival', lie: callsTrueValueFalse },
  },
  {
    what: 'of openings that nothing proves false',
    lies: [vouchesForBadPath, inventsHeads],
    cheats: ['badPath'],
    quarrel: { over: 'badPath', lie: vouchesForBadPath },
  },
  {
    what: 'of what it heard',
    lies: [callsSilent, tellsTwoReports, showsAnotherReport, copiesAReport],
    cheats: [],
  },
])(
  'a validator that lies $what is left out for its reason, and everybody earns as without it',
  {
    timeout: 300_000,
  },
  async ({ lies, cheats, quarrel }) => {
    const market = await marketOf(lies, cheats)
    const { first, spared, miners } = market
    const from = market.nextSlot()
    for (const lie of lies) {
      const slot = await slotOf(market, lie, from)
      await expectHarmless(market, lie, slot)
      if (quarrel?.lie !== lie) continue
      // Who was spared the check looks where others differ, and finds what there is.
      const device = miners.get(quarrel.over)!
      const looked = (): string | undefined => verdictOf(slot, spared, first, device)
      await eventually(() => looked() !== undefined, 'the spared validator has looked')
      expect(looked()).toBe(ways[quarrel.over].found)
      expect(spared.events).toContainEqual(
        expect.objectContaining({ event: 'looked-again', slot, miner: device.peerId }),
      )
    }
  },
)
