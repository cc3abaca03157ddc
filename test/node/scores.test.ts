import { expect, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { sha256 } from '../../src/bytes.ts'
import { drawVerifiers } from '../../src/gpu/draw-verifiers.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import type { Attestations } from '../../src/node/attestations.ts'
import type { BurnBook } from '../../src/node/burn-book.ts'
import { createScores } from '../../src/node/scores.ts'
import { LOCAL_CONSTANTS } from '../../src/node/scoring/constants.ts'
import type { Proof } from '../../src/node/scoring/suspension.ts'
import type { ScoringBlock } from '../../src/node/scoring-block.ts'
import type { SlotTestimony } from '../../src/node/slot-testimony.ts'
import { type PermittedValidator, voiceOf } from '../../src/node/validator-view.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const slots = slotNetworks.local
const [v1, v2, miner] = [testKey(1), testKey(2), testKey(3)]
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const hotkey = Buffer.from(miner.publicKey).toString('hex')
const witness = new Uint8Array(32)

const said = (
  slot: number,
  validator: string,
  steps: number,
  equivocated = false,
  device = gpu.gpu,
): SlotTestimony['testimony'][number] => ({
  validator,
  report: {
    slot,
    chunk: 0,
    salt: witness,
    rows: [{ ...gpu, gpu: device, mode: 'idle', n: 512, bytes: 2 ** 23, passes: 2 * steps, steps }],
  },
  verdicts: {
    slot,
    chunk: 0,
    rows: [
      { ...gpu, gpu: device, verdict: steps > 0 ? 'VALID' : 'SILENT', openings: witness, witness },
    ],
  },
  verdictIds: [new Uint8Array(32).fill(slot)],
  equivocated,
})
const slotOf = (
  slot: number,
  steps: number,
  equivocated = false,
  device = gpu.gpu,
): SlotTestimony => ({
  slot,
  testimony: [
    said(slot, v1.peerId, steps, false, device),
    said(slot, v2.peerId, steps, equivocated, device),
  ],
})

interface MadeOptions {
  readonly block?: ScoringBlock
  readonly stakes?: PermittedValidator[]
  readonly burns?: Pick<BurnBook, 'between'>
  readonly frauds?: { readonly proofs: Proof[]; readonly liars: Set<string> }
}
const none = { proofs: [], liars: new Set<string>() }

function made(known: SlotTestimony[], { block, stakes, burns, frauds = none }: MadeOptions = {}) {
  let nowMs = timeOf(beacon, 1000)
  const scores = createScores({
    core: { net, nowMs: () => nowMs },
    attestations: {
      slots: (from = 0, to = 1e9) => known.filter(({ slot }) => slot >= from && slot <= to),
    } as Attestations,
    frauds: { proofs: () => frauds.proofs, liars: () => frauds.liars, revision: () => 0 },
    beacon,
    validators: {
      validators: () => stakes ?? [v1, v2].map(({ peerId }) => ({ peerId, stake: 10n })),
    },
    burns,
    block: () => block,
  })
  return {
    scores,
    known,
    at: (ms: number) => {
      nowMs = ms
    },
  }
}

test('a miner is found by PeerId and by hotkey, with a score from what was counted', () => {
  const { scores } = made([slotOf(12, 75), slotOf(24, 75)])
  const found = scores.of(miner.peerId)!
  expect(found).toBe(scores.of(hotkey))
  const tops = (2 * 512 ** 3 * 75) / 1e12
  expect(found.score).toBeCloseTo(tops / LOCAL_CONSTANTS.CPU_T_REF, 4)
  expect(scores.of('nobody')).toBeUndefined()
})

test("on a local network, where all prove with a processor's sizes, a GPU is paid as one", () => {
  const { scores } = made([12, 24].map((slot) => slotOf(slot, 75, false, 'pci-0')))
  const tops = (2 * 512 ** 3 * 75) / 1e12
  expect(scores.of(hotkey)!.score).toBeCloseTo(tops / LOCAL_CONSTANTS.CPU_T_REF, 4)
})

test('a slot counts once it has settled', () => {
  const { scores, at } = made([slotOf(12, 75), slotOf(24, 0)])
  at(timeOf(beacon, 24 + slots.end))
  expect(scores.cutSlot()).toBe(12)
  expect(scores.of(hotkey)).toMatchObject({ reliability: 1 })
  at(timeOf(beacon, 24 + slots.end) + 2000)
  expect(scores.cutSlot()).toBe(24)
  expect(scores.of(hotkey)).toMatchObject({ reliability: 0.5, reason: 'SILENT' })
})

test('testimony of one who contradicted itself does not count', () => {
  const { scores } = made([slotOf(12, 75), slotOf(24, 75, true)])
  expect(scores.of(hotkey)!.gpus[0]!.slots[1]).toMatchObject({ outcome: 'networkUnknown' })
})

test('new testimony is seen although scores are kept between calls', () => {
  const { scores, known, at } = made([slotOf(12, 75)])
  const before = scores.current()
  expect(scores.current()).toBe(before)
  known.push(slotOf(24, 75))
  at(timeOf(beacon, 1001))
  expect(scores.current()).not.toBe(before)
  expect(scores.current().slots).toBe(2)
})

test('offers show score, reliability and proof of their miner, and nothing of a stranger', () => {
  const { scores } = made([slotOf(12, 75), slotOf(24, 0)])
  const of = (peerId: string, ...ids: string[]) =>
    scores.standingOf({
      peerId,
      devices: ids.map((id) => ({ id, vendor: '', name: '', vramMiB: 0 })),
    })
  expect(of(miner.peerId, 'cpu-0')).toMatchObject({
    reliability: 0.5,
    verified: true,
    score: expect.any(Number),
  })
  expect(of(v1.peerId, 'cpu-0')).toEqual({})
  // What one device proved says nothing of another.
  expect(of(miner.peerId, 'cpu-0', 'gpu-1@rig')).toMatchObject({ verified: false })
  expect(of(miner.peerId, 'cpu-0@rig')).toMatchObject({ verified: false })
})

test('what was measured is the median of ok slots, with the attestations of the newest', () => {
  const { scores } = made([slotOf(12, 10), slotOf(24, 30), slotOf(36, 20), slotOf(48, 0)])
  const measured = scores.measuredOf(miner.peerId, 'cpu-0')!
  expect(measured.mops).toBe(Math.round(((2 * 512 ** 3 * 20) / 1e12) * 1e6))
  expect(measured.bandwidthMBps).toBe(Math.round((2 ** 23 * 40) / 1e6))
  expect(measured.attestations).toEqual([new Uint8Array(32).fill(36), new Uint8Array(32).fill(36)])
  expect(scores.measuredOf(miner.peerId, 'gpu-1')).toBeUndefined()
})

test('the open pulse in verdicts says who was drawn: their word fails a slot where nobody saw it VALID', () => {
  const stakes = Array.from({ length: 20 }, (_, i) => testKey(20 + i)).map(
    ({ peerId, publicKey }) => ({ peerId, hotkey: publicKey, stake: 10n }),
  )
  const [openPulse, other] = [new Uint8Array(48).fill(1), new Uint8Array(48).fill(2)]
  const pulse = { round: 12 + slots.open, randomness: sha256(openPulse) }
  const voters = stakes.map((one) => ({ id: voiceOf(one), stake: one.stake }))
  const drawn = drawVerifiers(pulse, { peerId: miner.peerId, gpuId: 'cpu-0' }, voters)
  const scored = (lies: number) => {
    const testimony = stakes.map((one) => {
      const { verdicts, ...rest } = said(12, one.peerId, 75)
      if (!drawn.has(voiceOf(one))) return { ...rest, verdicts: undefined }
      const told = [...drawn].indexOf(voiceOf(one)) < lies ? other : openPulse
      const rows = [{ ...gpu, verdict: 'UNAVAILABLE' }]
      return { ...rest, verdicts: { ...verdicts!, openPulse: told, rows } }
    })
    return made([{ slot: 12, testimony }], { stakes }).scores.of(hotkey)!.gpus[0]!.slots[0]
  }
  expect(scored(0)).toMatchObject({ outcome: 'failed', reason: 'OPENINGS_MISSING' })
  expect(scored(2)).toMatchObject({ outcome: 'failed', reason: 'OPENINGS_MISSING' })
})

test('an unregistered hotkey gets no weight', () => {
  const { scores } = made([slotOf(12, 75)], {
    block: {
      atMs: undefined,
      registered: [{ publicKey: v1.publicKey, address: '5D', sinceMs: undefined }],
    },
  })
  expect(scores.of(hotkey)).toMatchObject({ weight: 0, reason: 'UNREGISTERED' })
})

test('alpha that was burned while the slots were raises a weight, and no score', () => {
  const atMs = timeOf(beacon, 12 + slots.end) + 120_000
  const block = {
    ...{ atMs, registered: [{ publicKey: miner.publicKey, address: '5D', sinceMs: undefined }] },
    burning: { block: 1000, blockMs: 12_000, minersPerBlock: 1000 },
  }
  const weigh = (burned: ReadonlyMap<string, bigint> | undefined) =>
    made([slotOf(12, 75)], { block, burns: { between: () => burned } }).scores.of(hotkey)!
  const plain = weigh(undefined)
  expect(plain.weight).toBe(plain.score)
  expect(weigh(new Map([['5D', 10n ** 12n]]))).toMatchObject({ score: plain.score })
  expect(weigh(new Map([['5D', 10n ** 12n]])).weight).toBeCloseTo(1.25 * plain.score, 5)
  expect(weigh(new Map([['other', 10n ** 12n]])).weight).toBe(plain.score)
})

test('slots are cut by the time of the block that was read, whatever this node’s clock says', () => {
  const block = { atMs: timeOf(beacon, 12 + slots.end) + 2000, registered: [] }
  const { scores } = made([slotOf(12, 75), slotOf(24, 75)], { block })
  expect(scores.cutSlot()).toBe(12)
  expect(scores.current().slots).toBe(1)
})

test('slots from before a hotkey was registered do not count for it', () => {
  const known = [12, 24, 36, 48].map((slot) => slotOf(slot, 75))
  const since = (sinceMs: number | undefined) => {
    const block = {
      atMs: undefined,
      registered: [{ publicKey: miner.publicKey, address: '5D', sinceMs }],
    }
    return made(known, { block })
      .scores.of(hotkey)
      ?.gpus[0]?.slots.map(({ slot }) => slot)
  }
  expect(since(undefined)).toEqual([12, 24, 36, 48])
  expect(since(timeOf(beacon, 24) - 1)).toEqual([24, 36, 48])
  expect(since(timeOf(beacon, 24))).toEqual([36, 48])
  expect(since(timeOf(beacon, 48))).toBeUndefined()
})

test('stake that set no weights within the activity cutoff does not count, unless nobody did', () => {
  const stakes = (isActive: boolean) => [
    { peerId: v1.peerId, stake: 10n, isActive },
    { peerId: v2.peerId, stake: 30n, isActive: false },
  ]
  const known = [{ slot: 12, testimony: [said(12, v1.peerId, 75)] }]
  expect(made(known, { stakes: stakes(true) }).scores.of(hotkey)).toMatchObject({ reliability: 1 })
  expect(made(known, { stakes: stakes(false) }).scores.of(hotkey)).toBeUndefined()
})

test('a hotkey with many nodes has its stake once', () => {
  const nodes = [10, 11, 12].map((seed) => testKey(seed).peerId)
  const stakes = [
    ...nodes.map((peerId) => ({ peerId, hotkey: v1.publicKey, stake: 10n })),
    { peerId: v2.peerId, hotkey: v2.publicKey, stake: 11n },
  ]
  const lies = nodes.map((peerId) => said(12, peerId, 0))
  const { scores } = made([{ slot: 12, testimony: [...lies, said(12, v2.peerId, 75)] }], { stakes })
  expect(scores.of(hotkey)).toMatchObject({ reliability: 1 })
})

test('a proof fails a slot that everybody calls VALID; what a convicted validator said is left out', () => {
  const found = { slot: 24, miner: miner.peerId, gpu: 'cpu-0', reason: 'BAD_VALUE' as const }
  const known = [slotOf(12, 75), slotOf(24, 75)]
  const slotsWith = (frauds: MadeOptions['frauds']) =>
    made(known, frauds === undefined ? {} : { frauds })
      .scores.of(hotkey)!
      .gpus[0]!.slots.map(({ reason }) => reason)
  expect(slotsWith(undefined)).toEqual(['OK', 'OK'])
  expect(slotsWith({ proofs: [found], liars: new Set() })).toEqual(['OK', 'BAD_VALUE'])
  // With one of two voices gone nobody who is left is more than half.
  const { scores } = made(known, { frauds: { proofs: [], liars: new Set([v2.peerId]) } })
  expect(scores.of(hotkey)).toBeUndefined()
})
