import { decode, encode } from 'cborg'
import { expect, test } from 'vitest'
import { evidenceChecks } from '../../../src/api/proofs.ts'
import { checkEvidence } from '../../../src/node/leases/check-evidence.ts'
import { evidenceCodec, type LeaseEvidence } from '../../../src/protocols/lease-evidence.ts'
import { sealReceipt } from '../../../src/protocols/receipts.ts'
import { sampleEvidence } from '../../support/evidence.ts'
import { agreed, miner, net, renter, stranger } from '../../support/lease.ts'
import { belowFrom } from '../../support/random.ts'

const { evidence, leaseId, terms, records } = sampleEvidence()
const check = (change: Partial<LeaseEvidence> = {}) =>
  checkEvidence(evidenceCodec.encode({ ...evidence, ...change }))
const without = (...keys: (keyof LeaseEvidence)[]) => {
  const kept = Object.entries(evidence).filter(
    ([key]) => !(keys as readonly string[]).includes(key),
  )
  return checkEvidence(evidenceCodec.encode(Object.fromEntries(kept) as LeaseEvidence))
}
const flipped = (bytes: Uint8Array, at = bytes.length - 1): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

test('a file says by itself who signed what, how it ended and whose doing that was', () => {
  const finding = check()
  expect(finding).toMatchObject({
    ...{ verdict: 'VALID', network: net.name, lease: Buffer.from(leaseId).toString('hex') },
    ...{ miner: terms.miner, renter: terms.renter, asset: 'DEV', receipts: 3, upMs: 3000 },
    ...{ claimed: '0.003', acknowledged: '0.002', ending: { code: 'credit', fault: 'renter' } },
  })
  expect(finding.checks.map(({ name, ok }) => [name, ok])).toEqual(
    evidenceChecks.map((name) => [name, true]),
  )
  const details = Object.fromEntries(finding.checks.map(({ name, detail }) => [name, detail]))
  expect(details).toMatchObject({
    countersignature: 'of receipt 2: 0.002 DEV',
    voucher: 'for 0.002 DEV',
    advance: 'up to 0.022 DEV',
    dispute: expect.stringContaining('the miner signed receipt 3 for 0.05 DEV'),
  })
})

test.each<[string, Partial<LeaseEvidence>, number | undefined]>([
  ['another signature', { receipts: evidence.receipts.with(1, flipped(evidence.receipts[1]!)) }, 2],
  ['a gap', { receipts: evidence.receipts.toSpliced(1, 1) }, 2],
  ['the countersignature', { countersigned: flipped(evidence.countersigned!) }, undefined],
])('the first receipt that is wrong is named: %s', (_, change, receipt) => {
  expect(check(change).checks.at(-1)?.receipt).toBe(receipt)
})

test('what a lease may lack is no fault', () => {
  expect(without('countersigned', 'voucher', 'advance', 'dispute')).toMatchObject({
    verdict: 'VALID',
    acknowledged: '0',
  })
  expect(check({ receipts: evidence.receipts.slice(0, 2) })).toMatchObject({
    verdict: 'VALID',
    ending: null,
  })
})

const other = agreed({ cap: '59999' })
const payload = records[1]!.payload
const dispute = evidence.dispute!
test.each<[string, Partial<LeaseEvidence>, (typeof evidenceChecks)[number]]>([
  ['another kind', { kind: 'else' as LeaseEvidence['kind'] }, 'file'],
  ['another netuid', { netuid: 2 }, 'miner terms'],
  ['another genesis', { genesis: new Uint8Array(32) }, 'miner terms'],
  ['a known network’s name', { network: 'finney' }, 'network'],
  ['the miner’s terms', { minerTerms: flipped(evidence.minerTerms) }, 'miner terms'],
  ['other terms of the miner', { minerTerms: other.minerTerms }, 'renter terms'],
  ['the renter’s terms', { renterTerms: flipped(evidence.renterTerms) }, 'renter terms'],
  ['other terms of the renter', { renterTerms: other.renterTerms }, 'renter terms'],
  ['the miner’s for the renter’s', { renterTerms: evidence.minerTerms }, 'renter terms'],
  [
    'a receipt',
    { receipts: evidence.receipts.with(1, flipped(evidence.receipts[1]!)) },
    'receipts',
  ],
  ['a missing receipt', { receipts: evidence.receipts.toSpliced(0, 1) }, 'receipts'],
  ['receipts in another order', { receipts: evidence.receipts.toReversed() }, 'receipts'],
  ['no acknowledged receipt', { receipts: evidence.receipts.slice(0, 1) }, 'countersignature'],
  ['a countersignature', { countersigned: flipped(evidence.countersigned!) }, 'countersignature'],
  [
    'a stranger’s',
    { countersigned: sealReceipt(net, stranger, payload).bytes },
    'countersignature',
  ],
  [
    'a countersignature of another receipt',
    { countersigned: sealReceipt(net, renter, { ...payload, atMs: 1 }).bytes },
    'countersignature',
  ],
  ['a voucher', { voucher: flipped(evidence.voucher!) }, 'voucher'],
  [
    'a voucher of another amount',
    { countersigned: sealReceipt(net, renter, records[0]!.payload).bytes },
    'voucher',
  ],
  [
    'an advance',
    { advance: { ...evidence.advance!, signature: flipped(evidence.advance!.signature) } },
    'advance',
  ],
  ['the limit of an advance', { advance: { ...evidence.advance!, limit: '22001' } }, 'advance'],
  ['an advance above the cap', { advance: { ...evidence.advance!, limit: '60001' } }, 'advance'],
  ['a disputed record', { dispute: { ...dispute, record: flipped(dispute.record!) } }, 'dispute'],
  [
    'a disputed record that the miner never signed',
    { dispute: { ...dispute, record: sealReceipt(net, stranger, payload).bytes } },
    'dispute',
  ],
])('%s that was tampered with is found', (_, change, name) => {
  const finding = checkEvidence(encodeAnyway({ ...evidence, ...change }))
  expect(finding.verdict).toBe('INVALID')
  expect(finding.checks.at(-1)).toMatchObject({ name, ok: false })
  expect(finding.checks.slice(0, -1).every(({ ok }) => ok)).toBe(true)
})

/** Also what the codec would not write. */
const encodeAnyway = (value: object): Uint8Array => encode(value)

test.each(Object.keys(payload).filter((key) => key !== 'final'))(
  'the field %s of a receipt cannot be changed, signed anew or not',
  (field) => {
    const value = (payload as Record<string, unknown>)[field]
    const changed =
      typeof value === 'number'
        ? value + 1
        : typeof value === 'string'
          ? String(Number(value) + 1)
          : flipped(value as Uint8Array)
    const forged = sealReceipt(net, miner, { ...payload, [field]: changed }).bytes
    // Not signed anew: the changed payload under the old signature.
    const [version, type, key, , signature] = decode(records[1]!.bytes) as unknown[]
    const pasted = encode([version, type, key, (decode(forged) as unknown[])[3], signature])
    for (const record of [forged, pasted]) {
      expect(check({ receipts: evidence.receipts.with(1, record) }).verdict).toBe('INVALID')
    }
  },
)

test('no byte of the file can be flipped unseen, but for the renter’s own words', () => {
  const content = evidenceCodec.encode(evidence)
  const below = belowFrom(7)
  const words = [dispute.reason, dispute.code].map((text) => Buffer.from(text))
  const isWord = (at: number): boolean =>
    words.some((word) => {
      const start = Buffer.from(content).indexOf(word)
      return at >= start && at < start + word.length
    })
  const atMs = Buffer.from(content).indexOf('atMs')
  for (let i = 0; i < 150; i++) {
    const at = below(content.length)
    if (isWord(at) || (at >= atMs && at < atMs + 16)) continue
    const finding = checkEvidence(flipped(content, at))
    expect(finding.verdict, `byte ${at}`).toBe('INVALID')
  }
})

test.each(['', 'text', 'a'.repeat(5000)])(
  'what is no such file is said to be none (%#)',
  (junk) => {
    const finding = checkEvidence(Buffer.from(junk))
    expect(finding.checks).toMatchObject([{ name: 'file', ok: false }])
  },
)
