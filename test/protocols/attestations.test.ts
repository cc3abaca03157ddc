import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  attestationsTopic,
  MAX_ROWS,
  type Report,
  reportCommitKind,
  reportHash,
  reportKind,
  sealReport,
  sealReportCommit,
  sealVerdicts,
  signPulse,
  type VerdictRow,
  type Verdicts,
  verdictKind,
  witnessHolds,
  witnessOf,
} from '../../src/protocols/attestations.ts'
import { sealFinal, sealOpenings, sealTick } from '../../src/protocols/challenge.ts'
import { type Admission, admits, judge, type RecordKind } from '../../src/protocols/topic.ts'
import { closing } from '../support/fraud.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const key = testKey(1)
const miner = testKey(2)
const fill = (value: number): Uint8Array => new Uint8Array(32).fill(value)
const gpu = { miner: miner.peerId, hotkey: miner.publicKey, gpu: 'cpu-0' }
const report: Report = {
  slot: 24,
  chunk: 0,
  salt: fill(1),
  rows: [{ ...gpu, mode: 'idle', n: 512, passes: 0, steps: 90 }],
}
const pulse = new Uint8Array(48).fill(9)
const pulseSignature = signPulse(net, key, pulse)
const heads = { residency: fill(10), gemm: fill(11) }
const valid: VerdictRow = {
  ...gpu,
  verdict: 'VALID',
  openings: fill(4),
  heads,
  witness: witnessOf(pulseSignature, fill(5)),
}
const verdicts: Verdicts = { slot: 24, chunk: 0, pulseSignature, rows: [valid] }
const measured: Report = {
  ...report,
  rows: [{ ...gpu, mode: 'idle', n: 16_384, bytes: 72 * 2 ** 30, passes: 233, steps: 90 }],
}
const found = { ...gpu, verdict: 'BAD_VALUE', openings: fill(4), heads }
/** The same with a locality chain; who knows nothing of it reads the rest. */
const near: Report = { ...measured, rows: [{ ...measured.rows[0]!, checkpoints: 650 }] }
/** The same with the heads of the Finals it heard. */
const seen: Report = { ...near, rows: [{ ...near.rows[0]!, heads }] }
const withHops: Verdicts = {
  ...verdicts,
  rows: [
    { ...valid, locality: { verdict: 'VALID' } },
    { ...valid, gpu: 'g', locality: { verdict: 'BAD_VALUE', at: [17] } },
    { ...valid, gpu: 'h', locality: { verdict: 'UNAVAILABLE' } },
  ],
}
const bad: Verdicts = {
  slot: 24,
  chunk: 0,
  openPulse: pulse,
  rows: [
    { ...found, work: 'residency', at: [3, 2 ** 28] },
    { ...found, gpu: 'g', work: 'gemm', at: [1, 2, 3] },
    { ...gpu, gpu: 'h', verdict: 'BAD_PATH', openings: fill(4), work: 'gemm', at: [1, 2] },
    { ...found, gpu: 'i', work: 'later', at: [1, 2] },
  ],
}
const tick = { slot: 24, gpu: 'cpu-0', work: 'gemm' as const, k: 3, count: 30, head: fill(6) }

const admissions: Admission[] = [reportCommitKind, reportKind, verdictKind].map((kind) =>
  admits(kind as RecordKind<unknown>, () => 'accept'),
)
const hear = (bytes: Uint8Array, network = net) =>
  judge(attestationsTopic, admissions, bytes, 'peer', { net: network, known: () => false })

test('every record of a slot is what the vectors say', () => {
  const file = new URL('../vectors/slot-records.json', import.meta.url)
  const hash = reportHash(net, key.publicKey, report)
  const offer = { slot: 24, gpu: 'cpu-0', content: fill(7), bytes: 100, proveMs: 5 }
  const passes = { ...tick, work: 'residency' as const, count: 200 }
  const records = {
    tick: sealTick(net, miner, tick),
    tickOfPasses: sealTick(net, miner, passes),
    tickOfHops: sealTick(net, miner, { ...tick, work: 'locality', count: 650 }),
    final: sealFinal(net, miner, closing(tick)),
    openings: sealOpenings(net, miner, offer),
    reportCommit: sealReportCommit(net, key, { slot: 24, chunk: 0, hash }),
    report: sealReport(net, key, report),
    reportOfMemory: sealReport(net, key, measured),
    reportOfHops: sealReport(net, key, near),
    reportOfHeads: sealReport(net, key, seen),
    verdicts: sealVerdicts(net, key, verdicts),
    badVerdicts: sealVerdicts(net, key, bad),
    verdictsWithHops: sealVerdicts(net, key, withHops),
  }
  const hex = Object.entries(records).map(([name, { id, bytes }]) => [
    name,
    { id: Buffer.from(id).toString('hex'), bytes: Buffer.from(bytes).toString('hex') },
  ])
  expect(Object.fromEntries(hex)).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})

test('honest testimony is accepted', async () => {
  const hash = reportHash(net, key.publicKey, report)
  expect(await hear(sealReportCommit(net, key, { slot: 24, chunk: 0, hash }).bytes)).toBe('accept')
  expect(await hear(sealReport(net, key, report).bytes)).toBe('accept')
  for (const value of [verdicts, bad, withHops]) {
    expect(await hear(sealVerdicts(net, key, value).bytes)).toBe('accept')
  }
  expect(await hear(sealReport(net, key, measured).bytes)).toBe('accept')
})

test.each<[string, Verdicts]>([
  [
    'VALID without the transcript it rests on',
    { ...verdicts, rows: [{ ...gpu, verdict: 'VALID' }] },
  ],
  ['VALID without the signed pulse', { slot: 24, chunk: 0, rows: [valid] }],
  ['VALID that binds itself to no Final', { ...verdicts, rows: [{ ...valid, heads: undefined }] }],
  [
    'BAD_VALUE that binds itself to no Final',
    { ...verdicts, rows: [{ ...found, heads: undefined, work: 'gemm', at: [1, 2, 3] }] },
  ],
  ['BAD_VALUE without its element', { ...verdicts, rows: [found] }],
  [
    'BAD_VALUE without its column',
    {
      ...verdicts,
      rows: [{ ...found, work: 'gemm', at: [1, 2] }],
    },
  ],
  [
    'BAD_VALUE that does not say of which work',
    { ...verdicts, rows: [{ ...found, at: [1, 2, 3] }] },
  ],
  [
    'BAD_VALUE of a page with three places',
    {
      ...verdicts,
      rows: [{ ...found, work: 'residency', at: [1, 2, 3] }],
    },
  ],
  [
    'BAD_PATH without its transcript',
    { ...verdicts, rows: [{ ...gpu, verdict: 'BAD_PATH', work: 'gemm', at: [1, 2] }] },
  ],
  [
    'BAD_VALUE of a locality chain without its checkpoint',
    { ...verdicts, rows: [{ ...valid, locality: { verdict: 'BAD_VALUE' } }] },
  ],
  ['one GPU in two rows', { ...verdicts, rows: [valid, { ...valid, verdict: 'SILENT' }] }],
])('%s is rejected', async (_, value) => {
  expect(await hear(sealVerdicts(net, key, value).bytes)).toMatchObject({
    reject: expect.any(String),
  })
})

test('a GPU in two rows of a report is rejected', async () => {
  const doubled = { ...report, rows: [...report.rows, ...report.rows] }
  expect(await hear(sealReport(net, key, doubled).bytes)).toMatchObject({
    reject: expect.any(String),
  })
})

test('malformed, oversized, forged and other networks’ records are rejected', async () => {
  const { bytes } = sealReport(net, key, report)
  const forged = Uint8Array.from(bytes)
  forged[forged.length - 1]! ^= 1
  const rejected = { reject: expect.any(String) }
  expect(await hear(forged)).toMatchObject(rejected)
  expect(await hear(bytes.subarray(1))).toMatchObject(rejected)
  expect(await hear(new Uint8Array(attestationsTopic.maxBytes + 1))).toEqual({
    reject: 'too large',
  })
  expect(await hear(bytes, testNet(2))).toMatchObject(rejected)
})

test('a full batch fits the topic, or two hundred findings with all that backs them; one row more does not', () => {
  const rows = (count: number, one: VerdictRow): VerdictRow[] =>
    Array.from({ length: count }, (_, i) => ({ ...one, gpu: `pci-00000000:${i}` }))
  const silent = { ...gpu, verdict: 'SILENT' }
  for (const full of [rows(MAX_ROWS, silent), rows(200, valid)]) {
    const { bytes } = sealVerdicts(net, key, { ...verdicts, rows: full })
    expect(bytes.length).toBeLessThanOrEqual(attestationsTopic.maxBytes)
  }
  const { codec } = verdictKind
  expect(() =>
    codec.decode(codec.encode({ ...verdicts, rows: rows(MAX_ROWS + 1, silent) })),
  ).toThrowError()
})

test('a commit binds network, validator, slot, salt and rows', () => {
  const hashes = [
    reportHash(net, key.publicKey, report),
    reportHash(testNet(2), key.publicKey, report),
    reportHash(net, miner.publicKey, report),
    reportHash(net, key.publicKey, { ...report, slot: 36 }),
    reportHash(net, key.publicKey, { ...report, salt: fill(2) }),
    reportHash(net, key.publicKey, { ...report, rows: [{ ...report.rows[0]!, steps: 91 }] }),
  ]
  expect(new Set(hashes.map((h) => Buffer.from(h).toString('hex'))).size).toBe(hashes.length)
})

test('a witness holds for the transcript, pulse, validator and network it was made for alone', () => {
  const record = sealVerdicts(net, key, verdicts)
  expect(witnessHolds(net, record, valid, pulse, fill(5))).toBe(true)
  expect(witnessHolds(net, record, valid, pulse, fill(6))).toBe(false)
  expect(witnessHolds(net, record, valid, new Uint8Array(48), fill(5))).toBe(false)
  expect(witnessHolds(testNet(2), record, valid, pulse, fill(5))).toBe(false)
  const copied = sealVerdicts(net, testKey(3), verdicts)
  expect(witnessHolds(net, copied, valid, pulse, fill(5))).toBe(false)
})
