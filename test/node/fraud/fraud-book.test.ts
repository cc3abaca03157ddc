import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { timeOf } from '../../../src/beacon.ts'
import { concat } from '../../../src/bytes.ts'
import { FILL_UNIT_BYTES } from '../../../src/gpu/resident-fill.ts'
import type { Final } from '../../../src/gpu/slot.ts'
import { slotNetworks, type Work } from '../../../src/gpu/slot-network.ts'
import { encodeTranscript, transcriptId } from '../../../src/gpu/transcript.ts'
import { createVerifier } from '../../../src/gpu/verifier.ts'
import { silent } from '../../../src/log.ts'
import { createAttestations } from '../../../src/node/attestations.ts'
import { judgeFor } from '../../../src/node/books.ts'
import { createEvents, type NodeEvent } from '../../../src/node/events.ts'
import { createFrauds, type FraudNeeds } from '../../../src/node/fraud/fraud-book.ts'
import { equivocationOf, showFork, showValue } from '../../../src/node/fraud/make-fraud.ts'
import type { ProofLimits } from '../../../src/node/fraud/proof-room.ts'
import { createPulseBook } from '../../../src/node/pulse-book.ts'
import { openStore } from '../../../src/node/store.ts'
import { verifyTranscript } from '../../../src/node/verify-transcript.ts'
import {
  sealVerdicts,
  signPulse,
  type VerdictRow,
  witnessOf,
} from '../../../src/protocols/attestations.ts'
import { sealFinal, sealTick } from '../../../src/protocols/challenge.ts'
import { decodeCbor, encodeCbor } from '../../../src/protocols/codec.ts'
import { type Fraud, sealFraud } from '../../../src/protocols/fraud.ts'
import { type RecordKey, sealRecord } from '../../../src/protocols/seal.ts'
import { createPulseVerifier } from '../../../src/pulse-verifier.ts'
import { TOLD_TICK_BYTES } from '../../../src/told-ticks.ts'
import { testKey, testNet } from '../../support/market.ts'
import { beacon, honestProof } from '../../support/proof.ts'
import { randomFrom } from '../../support/random.ts'

const net = testNet()
const slots = slotNetworks.local
const SLOT = 24
const miner = testKey(1)
const [alice, bob, stranger] = [testKey(2), testKey(3), testKey(4)]
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

/**
 * What the miner opens in the slot; under `lie` every value of that work is false. In a fork the Final of the chain tells
 * of another first tick than the chain has.
 */
async function proofOf(lie?: Work, isForked = false) {
  const announced = {
    genesis: net.genesis,
    netuid: net.netuid,
    hotkey: miner.publicKey,
    peerId: miner.peerId,
    gpuId: 'cpu-0',
    n: 256,
    bytes: 2 * FILL_UNIT_BYTES,
  }
  const seal = (final: Final) => {
    const ticks = Uint8Array.from(final.ticks)
    if (isForked && final.work === 'gemm') ticks[TOLD_TICK_BYTES - 1]! ^= 1
    return sealFinal(net, miner, { ...final, ticks }).bytes
  }
  const made = await honestProof(announced, SLOT, { passes: 4, steps: 3, first: 1 }, seal, lie)
  const content = encodeTranscript(made.transcript)
  const { work, at } = verifyTranscript(content)
  const heads = { residency: made.finals.residency.head, gemm: made.finals.gemm.head }
  return { ...made, content, id: transcriptId(content), heads, work, at: at as number[] }
}
const honest = await proofOf()
const liar = { gemm: await proofOf('gemm'), residency: await proofOf('residency') }
const fraudOf = (work: Work): Fraud => {
  const value = showValue(liar[work].transcript, { work, at: liar[work].at })!
  expect(value.shown).toBe('wrong')
  return value.fraud
}
/** An opened place of the honest miner's chain, which a cheat of the same size had to open too. */
const { at: place } = liar.gemm

const valid = (by: RecordKey, { id, content, heads }: typeof honest): VerdictRow => {
  const signature = signPulse(net, by, beacon.sign(SLOT + slots.open).signature)
  return { ...gpu, verdict: 'VALID', openings: id, heads, witness: witnessOf(signature, content) }
}
const accusation = (from: typeof honest, at: number[], work: Work = 'gemm'): VerdictRow => ({
  ...gpu,
  verdict: 'BAD_VALUE',
  openings: from.id,
  heads: from.heads,
  work,
  at,
})
const verdictsOf = (by: RecordKey, row: VerdictRow) => {
  const pulseSignature = signPulse(net, by, beacon.sign(SLOT + slots.open).signature)
  return sealVerdicts(net, by, { slot: SLOT, chunk: 0, pulseSignature, rows: [row] })
}

/** One node's books, at a time when the slot is over. */
async function world(
  said: readonly ReturnType<typeof verdictsOf>[] = [],
  kept?: string,
  startMs = timeOf(beacon, SLOT + 20),
  { limits, isBound = false }: { limits?: ProofLimits; isBound?: boolean } = {},
) {
  const folder = kept ?? (await mkdtemp(join(tmpdir(), 'frauds-')))
  if (kept === undefined) onTestFinished(() => rm(folder, { recursive: true }))
  const store = await openStore(folder)
  let open = true
  const close = async () => {
    if (open) await store[Symbol.asyncDispose]()
    open = false
  }
  onTestFinished(close)
  let nowMs = startMs
  const events = createEvents(() => nowMs)
  const told: NodeEvent[] = []
  events.subscribe((event) => told.push(event), new AbortController().signal)
  const gossiped: Uint8Array[] = []
  const gossip = { publish: async (_: string, bytes: Uint8Array) => void gossiped.push(bytes) }
  const libp2p = { services: { gossip } }
  const core = { net, key: alice, store, events, log: silent, nowMs: () => nowMs, libp2p }
  const validators = {
    validators: () => [alice, bob].map(({ peerId }) => ({ peerId, stake: 1n })),
  }
  const attestations = await createAttestations(core, { beacon, slots, validators })
  for (const record of said) expect(await attestations.admit(record)).toBe('accept')
  const pulseVerifier = createPulseVerifier(beacon, silent)
  const verifier = createVerifier(silent)
  onTestFinished(async () => {
    await pulseVerifier[Symbol.asyncDispose]()
    await verifier[Symbol.asyncDispose]()
  })
  const options = { beacon, slots, verifier: pulseVerifier, nowMs: () => nowMs, log: silent }
  const pulses = createPulseBook(options)
  const needs = {
    ...{ core, attestations, beacon, slots, pulses, verifier, validators, limits },
    isBound: (peerId: string) => isBound && peerId === miner.peerId,
  } as unknown as FraudNeeds
  const frauds = await createFrauds(needs)
  return {
    frauds,
    attestations,
    told,
    gossiped,
    folder,
    close,
    at: (ms: number) => {
      nowMs = ms
    },
    hear: (value: Fraud, by = stranger) =>
      judgeFor(frauds.book, net, sealFraud(net, by, value).bytes, 'peer'),
  }
}
const testified = () => [verdictsOf(alice, { ...gpu, verdict: 'SILENT' })]

test.each(['gemm', 'residency'] as const)(
  'a false value of %s convicts its miner everywhere',
  async (work) => {
    const here = await world(testified())
    expect(await here.frauds.publish(fraudOf(work))).toBe('accept')
    const proof = { slot: SLOT, miner: miner.peerId, gpu: 'cpu-0', reason: 'BAD_VALUE' }
    expect(here.frauds.proofs()).toEqual([proof])
    expect(here.told.at(-1)).toMatchObject({ event: 'fraud-proven', accused: miner.peerId })

    const there = await world(testified())
    expect(await judgeFor(there.frauds.book, net, here.gossiped[0]!, 'peer')).toBe('accept')
    expect(await judgeFor(there.frauds.book, net, here.gossiped[0]!, 'peer')).toEqual({
      ignore: 'known',
    })
    expect(await there.hear(fraudOf(work))).toMatchObject({ ignore: expect.any(String) })
    expect(there.frauds.proofs()).toEqual([proof])
    const served = await Array.fromAsync(there.frauds.book.records(undefined))
    expect(served[0]![0].length).toBeLessThan(64)
    expect(served.map(([, bytes]) => Buffer.from(bytes))).toEqual([Buffer.from(here.gossiped[0]!)])

    await there.close()
    const again = await world([], there.folder)
    expect(again.frauds.proofs()).toEqual([proof])
    expect(await judgeFor(again.frauds.book, net, here.gossiped[0]!, 'peer')).toEqual({
      ignore: 'known',
    })
    await again.close()
    const whileItMatters = timeOf(beacon, SLOT) + 13 * 86_400_000
    const later = await world([], there.folder, whileItMatters)
    expect(later.frauds.proofs()).toEqual([proof])
    await later.close()
    const afterAges = timeOf(beacon, SLOT) + 19 * 86_400_000
    expect((await world([], there.folder, afterAges)).frauds.proofs()).toEqual([])
  },
)

test('two kinds stand beside each other; the first of its place stays', async () => {
  const here = await world(testified())
  const tales = [
    sealTick(net, miner, {
      slot: SLOT,
      gpu: 'cpu-0',
      work: 'gemm',
      k: 1,
      count: 3,
      head: of(32, 1),
    }),
    sealFinal(net, miner, { ...honest.finals.gemm }),
  ].map(({ bytes }) => bytes) as [Uint8Array, Uint8Array]
  expect(await here.hear(equivocationOf(net, ...tales))).toBe('accept')
  expect(await here.hear(fraudOf('gemm'))).toBe('accept')
  expect(await here.hear(fraudOf('residency'))).toMatchObject({ ignore: expect.any(String) })
  expect(here.frauds.proofs().map(({ reason }) => reason)).toEqual(['BAD_VALUE', 'EQUIVOCATION'])
  const same = [tales[0], tales[0]] as const
  expect(await (await world(testified())).hear(equivocationOf(net, ...same))).toMatchObject({
    reject: 'its claims agree',
  })
})

test('a Final that tells of other ticks than its chain convicts its miner, and who called it VALID', async () => {
  const forked = await proofOf(undefined, true)
  expect(verifyTranscript(forked.content)).toMatchObject({ verdict: 'EQUIVOCATION', work: 'gemm' })
  const fraud = showFork(forked.transcript)!
  const here = await world([verdictsOf(alice, valid(alice, forked))])
  expect(await here.hear(fraud)).toBe('accept')
  expect(here.frauds.proofs()).toMatchObject([{ reason: 'EQUIVOCATION', miner: miner.peerId }])
  expect([...here.frauds.liars(SLOT)]).toEqual([alice.peerId])
  expect(showFork(honest.transcript)).toBeUndefined()

  const there = await world(testified())
  const shown = fraud.shown!
  const wrong = async (change: Partial<typeof shown>) =>
    expect(await there.hear({ ...fraud, shown: { ...shown, ...change } })).toMatchObject({
      reject: expect.any(String),
    })
  await wrong({ final: honest.transcript.gemm.final })
  await wrong({ counts: [2, 3] })
  await wrong({ roots: of(96, 1) })
  await wrong({ size: 512 })
  await wrong({ hotkey: stranger.publicKey })
  await wrong({ pulses: { ...shown.pulses, gemm: beacon.sign(SLOT).signature } })
  expect(there.frauds.proofs()).toEqual([])
})

test('about a device or slot that nobody testified about, nothing is believed yet', async () => {
  const here = await world()
  const ignored = { ignore: expect.any(String) }
  expect(await here.hear(fraudOf('gemm'))).toMatchObject(ignored)
  await here.attestations.admit(verdictsOf(alice, { ...gpu, gpu: 'cpu-1', verdict: 'SILENT' }))
  expect(await here.hear(fraudOf('gemm'))).toMatchObject(ignored)
  await here.attestations.admit(verdictsOf(bob, { ...gpu, verdict: 'SILENT' }))
  here.at(timeOf(beacon, SLOT) - 60_000)
  expect(await here.hear(fraudOf('gemm'))).toMatchObject(ignored)
  here.at(timeOf(beacon, SLOT) + 15 * 86_400_000)
  expect(await here.hear(fraudOf('gemm'))).toMatchObject(ignored)
  here.at(timeOf(beacon, SLOT + 20))
  expect(await here.hear(fraudOf('gemm'))).toBe('accept')
})

test('an honest miner cannot be convicted, whatever is said of it', async () => {
  const here = await world(testified())
  const value = showValue(honest.transcript, { work: 'gemm', at: place })!
  expect(value.shown).toBe('right')
  expect(await here.hear(value.fraud)).toEqual({ reject: 'the value is right' })
  const { shown } = fraudOf('gemm')
  const under = (change: Partial<Fraud['shown']>): Fraud => ({
    ...fraudOf('gemm'),
    shown: { ...shown!, ...change },
  })
  const pulse = (round: number) => beacon.sign(round).signature
  for (const fraud of [
    under({ final: honest.transcript.gemm.final }),
    under({ hotkey: alice.publicKey }),
    under({ size: 512 }),
    under({ counts: [1] }),
    under({ pulses: { ...shown!.pulses, gemm: pulse(SLOT + 2) } }),
    under({ pulses: { ...shown!.pulses, gemm: of(48, 1) } }),
    under({ at: [3, 255, 255] }),
    under({ final: sealFinal(net, stranger, { ...liar.gemm.finals.gemm }).bytes }),
    { ...fraudOf('gemm'), gpu: 'cpu-1' },
    { ...fraudOf('gemm'), accused: bob.peerId, miner: bob.peerId },
    { ...fraudOf('gemm'), slot: 25 },
  ]) {
    const verdict = await here.hear(fraud)
    // Of another device or slot nobody testified; all else is false by its bytes.
    const isElsewhere = fraud.gpu !== 'cpu-0' || fraud.slot !== SLOT || fraud.miner !== miner.peerId
    expect(verdict).toMatchObject(
      isElsewhere ? { ignore: expect.any(String) } : { reject: expect.any(String) },
    )
  }
  expect(here.frauds.proofs()).toEqual([])
})

test('a false open pulse proves nothing, for it would choose what a validator must have seen', async () => {
  const here = await world(testified())
  const { shown, ...rest } = fraudOf('gemm')
  const open = beacon.sign(SLOT + slots.open + 1).signature
  const forged = { ...rest, shown: { ...shown!, pulses: { ...shown!.pulses, open } } }
  expect(await here.hear(forged)).toEqual({ reject: 'bad signature' })
})

test('who called openings VALID in which it must have seen the false value has lied', async () => {
  const cases: readonly [VerdictRow, readonly string[]][] = [
    [valid(bob, liar.gemm), [bob.peerId]],
    // It was shown other openings, under another Final.
    [valid(bob, honest), []],
    [valid(bob, liar.residency), []],
    [{ ...gpu, verdict: 'UNAVAILABLE' }, []],
    [accusation(liar.gemm, liar.gemm.at), []],
  ]
  for (const [row, liars] of cases) {
    const here = await world([verdictsOf(bob, row)])
    expect(await here.hear(fraudOf('gemm'))).toBe('accept')
    expect([...here.frauds.liars(SLOT)]).toEqual(liars)
    expect([...here.frauds.liars(SLOT + 12)]).toEqual([])
  }
  // It may come to light later: the verdict after the proof, and after a restart.
  const later = await world(testified())
  await later.hear(fraudOf('gemm'))
  await later.attestations.admit(verdictsOf(bob, valid(bob, liar.gemm)))
  expect([...later.frauds.liars(SLOT)]).toEqual([bob.peerId])
  await later.close()
  const again = await world([], later.folder)
  expect([...again.frauds.liars(SLOT)]).toEqual([bob.peerId])
})

test('a miner that hurries to show another false value does not cover for who vouched for it', async () => {
  const said = [verdictsOf(bob, valid(bob, liar.gemm)), ...testified()]
  const proofs = [fraudOf('gemm'), fraudOf('residency')]
  for (const order of [proofs, proofs.toReversed()]) {
    const here = await world(said)
    for (const fraud of order) await here.hear(fraud)
    expect([...here.frauds.liars(SLOT)]).toEqual([bob.peerId])
    const own = await here.hear(fraudOf('gemm'), bob)
    expect(own).toMatchObject({ ignore: expect.any(String) })
    await here.close()
    const again = await world([], here.folder)
    expect([...again.frauds.liars(SLOT)]).toEqual([bob.peerId])
    expect(await again.hear(fraudOf('gemm'))).toMatchObject({ ignore: expect.any(String) })
  }
  // Nobody vouched for it: one proof is enough.
  const here = await world(testified())
  for (const fraud of proofs) await here.hear(fraud)
  expect(here.frauds.proofs()).toHaveLength(1)
})

test('a spoilt copy that is being judged keeps no proof waiting, and two at once are one', async () => {
  const here = await world(testified())
  const { shown, ...rest } = fraudOf('gemm')
  const spoilt = { ...rest, shown: { ...shown!, at: [1, 0, 0] } }
  const outcomes = await Promise.all([
    here.hear(spoilt),
    here.hear(fraudOf('gemm')),
    here.hear(fraudOf('gemm'), bob),
  ])
  expect(outcomes).toEqual([
    { reject: expect.any(String) },
    'accept',
    { ignore: expect.any(String) },
  ])
  expect(here.told.filter(({ event }) => event === 'fraud-proven')).toHaveLength(1)
})

test('a validator that accuses a true value is convicted; a true accusation is not', async () => {
  const { fraud } = showValue(honest.transcript, { work: 'gemm', at: place })!
  const counter = { ...fraud, kind: 'false-accusation', accused: bob.peerId }
  const lied = await world([verdictsOf(bob, accusation(honest, place))])
  expect(await lied.hear({ ...counter, accused: alice.peerId })).toMatchObject({
    ignore: expect.any(String),
  })
  expect(await lied.hear(counter)).toBe('accept')
  expect([...lied.frauds.liars(SLOT)]).toEqual([bob.peerId])
  expect(lied.frauds.proofs()).toEqual([])

  const [step, row, column] = place as [number, number, number]
  for (const said of [
    accusation(honest, [step, row, column + 1]),
    accusation(liar.gemm, place),
    accusation(honest, [1, 2], 'residency'),
    valid(bob, honest),
  ]) {
    const here = await world([verdictsOf(bob, said)])
    expect(await here.hear(counter)).toMatchObject({ ignore: expect.any(String) })
    expect([...here.frauds.liars(SLOT)]).toEqual([])
  }

  const truth = await world([verdictsOf(bob, accusation(liar.gemm, place))])
  const wrong = { ...fraudOf('gemm'), kind: 'false-accusation', accused: bob.peerId }
  expect(await truth.hear(wrong)).toEqual({ reject: 'the value is wrong' })
  expect([...truth.frauds.liars(SLOT)]).toEqual([])
})

test('a page is shown for what it is too', async () => {
  const { at } = liar.residency
  const { fraud } = showValue(honest.transcript, { work: 'residency', at })!
  const lied = await world([verdictsOf(bob, accusation(honest, at, 'residency'))])
  expect(await lied.hear({ ...fraud, kind: 'false-accusation', accused: bob.peerId })).toBe(
    'accept',
  )
  const page = await world([verdictsOf(bob, valid(bob, liar.residency))])
  expect(await page.hear(fraudOf('residency'))).toBe('accept')
  expect([...page.frauds.liars(SLOT)]).toEqual([bob.peerId])
})

test('of a transcript that does not open a value, or is not signed, nothing can be shown', () => {
  const { transcript, at } = liar.gemm
  const show = (change: object, work: Work = 'gemm', where: readonly number[] = at) =>
    showValue({ ...transcript, ...change }, { work, at: where })
  expect(show({})).toMatchObject({ shown: 'wrong' })
  expect(show({ slot: 25 })).toBeUndefined()
  expect(show({ peerId: bob.peerId })).toBeUndefined()
  expect(show({ hotkey: bob.publicKey })).toBeUndefined()
  expect(show({ gemm: { ...transcript.gemm, rows: new Uint8Array() } })).toBeUndefined()
  expect(show({ gemm: { ...transcript.gemm, roots: of(96, 1) } })).toBeUndefined()
  expect(show({}, 'gemm', [9, 9, 9])).toBeUndefined()
  expect(show({}, 'gemm', [1, 2])).toBeUndefined()
  expect(show({}, 'residency', [99, 2])).toBeUndefined()
})

test('no bytes make it throw or accept: every part spoilt, in whatever way', {
  timeout: 120_000,
}, async () => {
  const random = randomFrom(9)
  const here = await world([verdictsOf(bob, accusation(honest, place))])
  const junk = (): unknown =>
    [0, -1, 2 ** 40, '', 'x', true, null, [], {}, of(31, 1), of(32, 2), of(48, 3), [1, 2, 3]][
      Math.floor(random() * 13)
    ]
  const type = 13
  for (let i = 0; i < 400; i++) {
    const payload = decodeCbor(encodeCbor(fraudOf(random() < 0.5 ? 'gemm' : 'residency'))) as never
    spoil(payload, random, junk)
    const bytes = encodeCbor(payload)
    const codec = { encode: () => bytes, decode: () => null }
    const { bytes: record } = sealRecord(net, type, codec, stranger, null)
    const verdict = await judgeFor(here.frauds.book, net, record, 'peer')
    expect(verdict).not.toBe('accept')
  }
  expect(here.frauds.proofs()).toEqual([])
})

/** Replaces one value of a tree, or flips one bit of one of its byte strings. */
function spoil(tree: Record<string, unknown>, random: () => number, junk: () => unknown): void {
  // What a proof does not depend on may be anything.
  const keys = Object.keys(tree).filter((key) => key !== 'note')
  const key = keys[Math.floor(random() * keys.length)]!
  const value = tree[key]
  if (value instanceof Uint8Array && random() < 0.7 && value.length > 0) {
    const copy = concat([value])
    copy[Math.floor(random() * copy.length)]! ^= 1 << Math.floor(random() * 8)
    tree[key] = copy
  } else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array)) {
    spoil(value as Record<string, unknown>, random, junk)
  } else tree[key] = junk()
}

test('a flood of proofs about invented devices fills no disk and pushes out no proof against a bound miner', async () => {
  const names = Array.from({ length: 40 }, (_, i) => testKey(100 + i))
  const rows = names.map((one) => ({
    ...{ miner: one.peerId, hotkey: one.publicKey, gpu: 'cpu-0', verdict: 'SILENT' },
  }))
  const said = sealVerdicts(net, alice, {
    slot: SLOT,
    chunk: 0,
    rows: [...rows, { ...gpu, verdict: 'SILENT' }],
  })
  const limits = { perAccused: 256, bytes: 6000 }
  const here = await world([said], undefined, undefined, { limits, isBound: true })
  const twice = (by: RecordKey): Fraud => {
    const [a, b] = [1, 2].map(
      (count) =>
        sealTick(net, by, {
          ...{ slot: SLOT, gpu: 'cpu-0', work: 'gemm', k: 1, count },
          head: of(32, count),
        }).bytes,
    )
    return equivocationOf(net, a!, b!)
  }
  const standing = () => here.frauds.proofs().map((proof) => proof.miner)
  expect(await here.hear(twice(miner))).toBe('accept')
  for (const one of names) expect(await here.hear(twice(one))).toBe('accept')
  expect(standing()).toContain(miner.peerId)
  expect(standing().length).toBeLessThan(12)
  const { records } = here.frauds.book
  let bytes = 0
  for await (const [, record] of records(undefined)) bytes += record.length
  expect(bytes).toBeLessThanOrEqual(limits.bytes)

  // What went is gone from the disk, too.
  await here.close()
  // Before the chain was read, nobody is known to be bound; that it was stands in the store.
  const again = await world([], here.folder, undefined, { limits })
  for (const one of names) await again.hear(twice(one))
  expect(again.frauds.proofs()).toHaveLength(standing().length)
  expect(again.frauds.proofs().map((proof) => proof.miner)).toContain(miner.peerId)
})

test('who comes later takes what convicts a bound miner in slots of which it has no testimony, as far back as it counts', async () => {
  const daysLater = (days: number) => timeOf(beacon, SLOT) + days * 86_400_000
  const fraud = fraudOf('gemm')
  const ignored = { ignore: 'nobody testified about the device' }
  const here = await world([], undefined, daysLater(9), { isBound: true })
  expect(await here.hear(fraud)).toBe('accept')
  expect(here.frauds.proofs()).toHaveLength(1)
  expect(await (await world([], undefined, daysLater(9))).hear(fraud)).toEqual(ignored)
  const tooLate = await world([], undefined, daysLater(15), { isBound: true })
  expect(await tooLate.hear(fraud)).toEqual({ ignore: 'a slot long past' })
})
