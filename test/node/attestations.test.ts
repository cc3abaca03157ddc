import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { devBeacon, timeOf } from '../../src/beacon.ts'
import { slotNetworks } from '../../src/gpu/slot-network.ts'
import { silent } from '../../src/log.ts'
import {
  type Attestations,
  type AttestationsOptions,
  createAttestations,
} from '../../src/node/attestations.ts'
import { createEvents } from '../../src/node/events.ts'
import { createOwnTestimony } from '../../src/node/own-testimony.ts'
import { openStore, type Store } from '../../src/node/store.ts'
import type { ValidatorView } from '../../src/node/validator-view.ts'
import {
  type Report,
  reportHash,
  sealReport,
  sealReportCommit,
  sealVerdicts,
} from '../../src/protocols/attestations.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
const [alice, bob, miner, stranger] = [1, 2, 3, 4].map(testKey) as [
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
  ReturnType<typeof testKey>,
]
const SLOT = 24
const validators = {
  validators: () => [alice, bob].map(({ peerId }) => ({ peerId, stake: 1n })),
}
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const reportOf = (steps: number, slot = SLOT): Report => ({
  slot,
  chunk: 0,
  salt: new Uint8Array(32).fill(steps),
  rows: [{ ...gpu, mode: 'idle', n: 512, passes: 0, steps }],
})
const silence = (slot = SLOT) => ({ slot, chunk: 0, rows: [{ ...gpu, verdict: 'SILENT' }] })
const commitTo = (key: RecordKey, report: Report) =>
  sealReportCommit(net, key, {
    slot: report.slot,
    chunk: 0,
    hash: reportHash(net, key.publicKey, report),
  })

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'attestations-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return made
}

interface Opened {
  readonly book: Attestations
  readonly store: Store
  readonly told: string[]
  at(round: number): void
}

async function open(
  path: string,
  round = SLOT + 5,
  view: ValidatorView = validators,
  more: Partial<AttestationsOptions> = {},
): Promise<Opened> {
  const clock = { nowMs: timeOf(beacon, round) }
  const nowMs = (): number => clock.nowMs
  const store = await openStore(path)
  onTestFinished(() => store[Symbol.asyncDispose]())
  const events = createEvents(nowMs)
  const told: string[] = []
  events.subscribe(({ event }) => told.push(event), new AbortController().signal)
  const core = { net, store, events, log: silent, nowMs }
  const options = { beacon, slots: slotNetworks.local, validators: view, ...more }
  const book = await createAttestations(core, options)
  const at = (to: number): void => {
    clock.nowMs = timeOf(beacon, to)
  }
  return { book, store, told, at }
}

const testimony = ({ book }: Opened) => book.slots().flatMap((slot) => slot.testimony)

test('a report counts with the commit that binds it, and not without', async () => {
  const opened = await open(await folder())
  const report = reportOf(90)
  expect(await opened.book.admit(sealReport(net, alice, report))).toBe('accept')
  expect(testimony(opened)[0]?.report).toBeUndefined()
  expect(await opened.book.admit(commitTo(alice, report))).toBe('accept')
  expect(testimony(opened)).toMatchObject([
    { validator: alice.peerId, equivocated: false, report: { rows: [{ steps: 90 }] } },
  ])
})

test('a commit that came after its deadline binds nothing: others’ reports were public by then', async () => {
  const opened = await open(await folder())
  const report = reportOf(90)
  opened.at(SLOT + 10)
  await opened.book.admit(commitTo(alice, report))
  await opened.book.admit(sealReport(net, alice, report))
  expect(testimony(opened)[0]?.report).toBeUndefined()
})

test('one who joins later takes what it could not have heard', async () => {
  const opened = await open(await folder(), SLOT + 60)
  const report = reportOf(90)
  await opened.book.admit(commitTo(alice, report))
  await opened.book.admit(sealReport(net, alice, report))
  expect(testimony(opened)[0]?.report).toBeDefined()
})

test('two tales of one slot are kept as evidence, told once, and neither counts', async () => {
  const path = await folder()
  const opened = await open(path)
  for (const steps of [90, 91, 92]) {
    const report = reportOf(steps)
    const verdict = await opened.book.admit(commitTo(alice, report))
    expect(verdict).toEqual(steps === 92 ? { ignore: 'one contradiction is enough' } : 'accept')
  }
  expect(await opened.book.admit(sealReport(net, alice, reportOf(90)))).toBe('accept')
  expect(await opened.book.admit(sealReport(net, alice, reportOf(91)))).toEqual({
    ignore: 'one contradiction is enough',
  })
  expect(opened.told.filter((event) => event === 'equivocation-kept')).toHaveLength(1)
  expect(testimony(opened)).toMatchObject([{ validator: alice.peerId, equivocated: true }])
  const evidence = opened.book.equivocations()
  expect(evidence).toMatchObject([{ slot: SLOT, validator: alice.peerId }])
  expect(Buffer.compare(...evidence[0]!.records)).not.toBe(0)

  await opened.store[Symbol.asyncDispose]()
  const again = await open(path)
  expect(again.book.equivocations()).toEqual(evidence)
  expect(testimony(again)).toMatchObject([{ equivocated: true }])
})

test('what clock and chain view say is ignored, never rejected', async () => {
  const { book } = await open(await folder())
  const say = (key: RecordKey, slot: number) => book.admit(sealVerdicts(net, key, silence(slot)))
  const ignored = { ignore: expect.any(String) }
  expect(await say(stranger, SLOT)).toEqual(ignored)
  expect(await say(alice, SLOT + 120)).toEqual(ignored)
  expect(await say(alice, SLOT + 1)).toEqual(ignored)
  expect(await say(alice, SLOT)).toBe('accept')
  expect(await say(alice, SLOT)).toEqual({ ignore: 'known' })
})

test('the first testimony of a validator that nobody knew yet counts once it is known, as of when it came', async () => {
  const known: { peerId: string; stake: bigint }[] = []
  const opened = await open(await folder(), SLOT + 5, { validators: () => known })
  const { book } = opened
  const report = reportOf(90)
  const ignored = { ignore: 'not by a permitted validator' }
  expect(await book.admit(commitTo(alice, report))).toEqual(ignored)
  opened.at(SLOT + 10) // commits are late from here on
  for (const record of [sealReport(net, alice, report), commitTo(bob, report)]) {
    expect(await book.admit(record)).toEqual(ignored)
  }
  expect(book.waiting()).toEqual([alice.peerId, bob.peerId])
  expect(await book.reconsider()).toBe(0)
  known.push({ peerId: alice.peerId, stake: 1n })
  expect(await book.reconsider()).toBe(2)
  expect(testimony(opened)).toMatchObject([
    { validator: alice.peerId, report: { rows: [{ steps: 90 }] } },
  ])
  expect(book.waiting()).toEqual([bob.peerId])
  // What sync would have brought instead of the first commit is late, and binds nothing.
  known.push({ peerId: bob.peerId, stake: 1n })
  await book.reconsider()
  await book.admit(sealReport(net, bob, report))
  expect(testimony(opened)[1]).toMatchObject({ validator: bob.peerId, report: undefined })
})

test('everything survives a restart, and a latecomer gets it in pages', async () => {
  const path = await folder()
  const opened = await open(path)
  for (const key of [alice, bob]) await opened.book.admit(sealVerdicts(net, key, silence()))
  await opened.store[Symbol.asyncDispose]()
  const again = await open(path)
  expect(testimony(again)).toHaveLength(2)
  const pages = again.book.books[0]!
  const keys: string[] = []
  for await (const [key, bytes] of pages.records(undefined)) {
    keys.push(key)
    expect(bytes.length).toBeGreaterThan(100)
  }
  expect(keys).toHaveLength(2)
  const rest: string[] = []
  for await (const [key] of pages.records(keys[0])) rest.push(key)
  expect(rest).toEqual(keys.slice(1))
})

test('the oldest slots are forgotten, in memory and in the store', async () => {
  const path = await folder()
  const opened = await open(path, SLOT * 600)
  for (let i = 1; i <= 515; i++) {
    await opened.book.keepOwn(sealVerdicts(net, alice, silence(SLOT * i)))
  }
  const kept = (book: Attestations) => book.slots().map(({ slot }) => slot / SLOT)
  expect(kept(opened.book)).toHaveLength(512)
  expect(kept(opened.book)[0]).toBe(4)
  await opened.store[Symbol.asyncDispose]()
  expect(kept((await open(path, SLOT * 600)).book)[0]).toBe(4)
})

test('whatever slots a validator names, it pushes out its own words alone, contradictions among them', async () => {
  const path = await folder()
  const opened = await open(path, SLOT * 600)
  const { book } = opened
  await book.admit(sealVerdicts(net, alice, silence(SLOT * 2)))
  for (const steps of [90, 91]) await book.admit(commitTo(bob, reportOf(steps, SLOT)))
  expect(book.equivocations()).toHaveLength(1)
  for (let i = 3; i <= 514; i++) {
    expect(await book.keepOwn(sealVerdicts(net, bob, silence(SLOT * i)))).toBe('accept')
  }
  const held = ({ book: of }: Opened, key: RecordKey & { peerId: string }) =>
    of.slots().filter(({ testimony: said }) => said.some((one) => one.validator === key.peerId))
  expect(held(opened, alice)).toHaveLength(1)
  expect(held(opened, bob)).toHaveLength(512)
  expect(book.equivocations()).toEqual([])
  await opened.store[Symbol.asyncDispose]()
  const again = await open(path, SLOT * 600)
  expect([held(again, alice).length, held(again, bob).length]).toEqual([1, 512])
  expect(again.book.equivocations()).toEqual([])
})

test('the bytes that one validator takes are bounded, its newest slots stay', async () => {
  const records = Array.from({ length: 6 }, (_, i) =>
    sealVerdicts(net, alice, silence(SLOT * (i + 1))),
  )
  const kept = { slots: 512, bytes: 3 * records[5]!.bytes.length }
  const opened = await open(await folder(), SLOT * 10, validators, { kept })
  await opened.book.admit(sealVerdicts(net, bob, silence(SLOT)))
  for (const record of records) expect(await opened.book.admit(record)).toBe('accept')
  const of = (key: { peerId: string }) =>
    opened.book
      .slots()
      .filter(({ testimony: said }) => said.some(({ validator }) => validator === key.peerId))
      .map(({ slot }) => slot / SLOT)
  expect([of(alice), of(bob)]).toEqual([[4, 5, 6], [1]])
})

test('own testimony is written before it is signed: the first word stands, also after a restart', async () => {
  const path = await folder()
  const write = async (steps: number) => {
    const store = await openStore(path)
    const own = createOwnTestimony({ net, key: alice, store })
    const [sealed] = await own.report(SLOT, reportOf(steps).rows)
    const [verdicts] = await own.verdicts(SLOT, [{ ...gpu, verdict: `SILENT` }], undefined)
    const slots = await own.reportedSlots(1)
    await store[Symbol.asyncDispose]()
    return {
      commit: sealed!.commit.bytes,
      report: sealed!.report,
      verdicts: verdicts!.bytes,
      slots,
    }
  }
  const first = await write(90)
  const second = await write(17)
  expect(second.commit).toEqual(first.commit)
  expect(second.report.bytes).toEqual(first.report.bytes)
  expect(second.report.payload.rows[0]!.steps).toBe(90)
  expect(second.verdicts).toEqual(first.verdicts)
  expect(second.slots).toEqual([SLOT])
})

test('two writers of one place say one thing', async () => {
  const store = await openStore(await folder())
  onTestFinished(() => store[Symbol.asyncDispose]())
  const own = createOwnTestimony({ net, key: alice, store })
  const both = await Promise.all([1, 2].map((steps) => own.report(SLOT, reportOf(steps).rows)))
  expect(both[0]![0]!.report.bytes).toEqual(both[1]![0]!.report.bytes)
})

test('long names chosen by a miner cannot burst a batch', async () => {
  const store = await openStore(await folder())
  onTestFinished(() => store[Symbol.asyncDispose]())
  const own = createOwnTestimony({ net, key: alice, store })
  const long = (i: number): string => String(i).padStart(64, 'x')
  const rows = Array.from({ length: 256 }, (_, i) => ({
    ...gpu,
    gpu: long(i),
    verdict: 'VALID',
    openings: new Uint8Array(32),
    witness: new Uint8Array(32),
    proveMs: 86_400_000,
    verifyMs: 86_400_000,
    transcriptBytes: 2 ** 32,
  }))
  const word = { openPulse: new Uint8Array(48), pulseSignature: new Uint8Array(64) }
  const sealed = await own.verdicts(SLOT, rows, word)
  expect(sealed.length).toBeGreaterThan(1)
  expect(sealed.flatMap(({ payload }) => payload.rows)).toHaveLength(256)
  for (const { bytes } of sealed) expect(bytes.length).toBeLessThanOrEqual(64 * 1024)
})

test('many GPUs make several chunks, each within the topic', async () => {
  const store = await openStore(await folder())
  onTestFinished(() => store[Symbol.asyncDispose]())
  const own = createOwnTestimony({ net, key: alice, store })
  const rows = Array.from({ length: 600 }, (_, i) => ({ ...reportOf(9).rows[0]!, gpu: `g${i}` }))
  const sealed = await own.report(SLOT, rows)
  expect(sealed.map(({ report }) => report.payload.rows.length)).toEqual([256, 256, 88])
  const { book } = await open(await folder())
  for (const { commit, report } of sealed) {
    await book.admit(commit)
    await book.admit(report)
  }
  expect(book.slots()[0]!.testimony[0]!.report!.rows).toHaveLength(600)
})
