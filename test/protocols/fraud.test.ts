import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sealFinal, sealOpenings, sealTick } from '../../src/protocols/challenge.ts'
import type { TickClaim } from '../../src/protocols/claims.ts'
import { encodeCbor } from '../../src/protocols/codec.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'
import {
  contradict,
  equivocationFault,
  type Fraud,
  finalOf,
  fraudCodec,
  fraudKind,
  openClaim,
  openClaimAside,
  sealFraud,
} from '../../src/protocols/fraud.ts'
import { noticesTopic } from '../../src/protocols/offers.ts'
import { sealRecord } from '../../src/protocols/seal.ts'
import { peekRecord } from '../../src/protocols/signed.ts'
import { admits, judge } from '../../src/protocols/topic.ts'
import {
  claim,
  close,
  closing,
  elementFraud,
  equivocation,
  falseAccusation,
  forkFraud,
  miner,
  pageFraud,
} from '../support/fraud.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const [publisher, validator] = [testKey(1), testKey(3)]
const of = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)
const known = () => false
const hear = (bytes: Uint8Array, network = net) =>
  judge(noticesTopic, [admits(fraudKind, () => 'accept')], bytes, 'peer', { net: network, known })
const sealed = (value: Fraud) => sealFraud(net, publisher, value).bytes

const examples: readonly (readonly [string, Fraud])[] = [
  ['equivocation', equivocation()],
  ['element', elementFraud()],
  ['page', pageFraud()],
  ['forkedChain', forkFraud()],
  ['falseAccusation', falseAccusation(validator.peerId, pageFraud())],
]

test('every kind is what the vectors say', () => {
  const file = new URL('../vectors/fraud.json', import.meta.url)
  const records = examples.map(([name, value]) => {
    const { id, bytes } = sealFraud(net, publisher, value)
    return [
      name,
      { id: Buffer.from(id).toString('hex'), bytes: Buffer.from(bytes).toString('hex') },
    ]
  })
  expect(Object.fromEntries(records)).toEqual(JSON.parse(readFileSync(file, 'utf8')))
})

test.each(examples)('a whole %s may go on to its check', async (_, value) => {
  expect(await hear(sealed(value))).toBe('accept')
})

test('the largest chain there is fits, and what does not fit cannot be signed', async () => {
  const shown = elementFraud().shown!
  const largest = {
    ...elementFraud(),
    shown: {
      ...shown,
      size: 32_768,
      counts: new Array(13).fill(512),
      roots: of(32 * 512, 1),
      element: {
        previous: of(32_768, 1),
        previousPath: of(480, 1),
        chunk: of(1024, 1),
        chunkPath: of(640, 1),
      },
    },
  }
  const { bytes } = sealFraud(net, publisher, largest)
  expect(bytes.length).toBeLessThan(54 * 1024)
  expect(await hear(bytes)).toBe('accept')
  const tooLarge = { ...largest, shown: { ...largest.shown, roots: of(32_000, 1) } }
  expect(() => sealFraud(net, publisher, tooLarge)).toThrow('bytes, at most')
})

const [whole, page, fork] = [elementFraud(), pageFraud(), forkFraud()]
const bothPulses = { ...page.shown!.pulses, ...whole.shown!.pulses }
test.each<[string, Fraud]>([
  ['an element without its value', { ...whole, shown: undefined }],
  ['one that accuses somebody else', { ...whole, accused: validator.peerId }],
  ["a miner's accusation of itself", { ...whole, kind: 'false-accusation' }],
  ['a value with claims beside it', { ...whole, claims: equivocation().claims }],
  ['two stories with a value beside them', { ...equivocation(), shown: whole.shown }],
  ['one story', { ...equivocation(), claims: undefined }],
  ['element and page in one', { ...whole, shown: { ...whole.shown!, page: page.shown!.page } }],
  ['neither element nor page', { ...whole, shown: { ...whole.shown!, element: undefined } }],
  ['a place of two numbers in a chain', { ...whole, shown: { ...whole.shown!, at: [1, 2] } }],
  ['a fork with an element', { ...whole, kind: 'forked-chain' }],
  ['a fork of two works', { ...fork, shown: { ...fork.shown!, pulses: bothPulses } }],
  ['a fork with a place', { ...fork, shown: { ...fork.shown!, at: [1] } }],
  ['a page without its fill', { ...page, shown: { ...page.shown!, pulses: whole.shown!.pulses } }],
])('%s is rejected', async (_, value) => {
  expect(await hear(sealed(value))).toMatchObject({ reject: expect.any(String) })
})

test('a kind of a later version is ignored, keys of one are kept', async () => {
  expect(await hear(sealed({ ...whole, kind: 'something-new' }))).toMatchObject({
    ignore: expect.any(String),
  })
  const later = { ...whole, note: 'new', shown: { ...whole.shown!, more: 1 } }
  expect(fraudCodec.decode(fraudCodec.encode(later))).toMatchObject({
    note: 'new',
    shown: { more: 1 },
  })
  expect(await hear(sealed(later))).toBe('accept')
})

test('malformed, oversized, forged and other networks’ records are rejected', async () => {
  const bytes = sealed(whole)
  const forged = Uint8Array.from(bytes)
  forged[forged.length - 1]! ^= 1
  const type = fraudKind.type
  const raw = (payload: Uint8Array) => {
    const codec = { encode: () => payload, decode: () => null }
    return sealRecord(net, type, codec, publisher, null).bytes
  }
  for (const bad of [
    forged,
    bytes.subarray(1),
    bytes.subarray(0, -1),
    Buffer.concat([bytes, Buffer.from([0])]),
    randomBytes(200),
    new Uint8Array(),
    new Uint8Array(noticesTopic.maxBytes + 1),
    raw(randomBytes(50)),
    raw(encodeCbor({ kind: 'false-value' })),
    raw(encodeCbor([1, 2, 3])),
    raw(of(300, 0x81)),
    raw(encodeCbor({ ...whole, shown: 7 })),
    raw(encodeCbor({ ...whole, accused: 'x' })),
    raw(encodeCbor({ ...whole, gpu: 'x'.repeat(65) })),
    raw(encodeCbor({ ...whole, claims: [of(2000, 1), of(2, 2)] })),
  ]) {
    expect(await hear(bad)).toMatchObject({ reject: expect.any(String) })
  }
  expect(await hear(bytes, testNet(2))).toMatchObject({ reject: expect.any(String) })
})

test.each<[string, Partial<TickClaim>, boolean, boolean, boolean]>([
  ['the same again', {}, false, false, false],
  ['a Final that repeats the last tick', {}, false, true, false],
  ['another head under one number', { head: of(32, 9) }, false, false, true],
  ['another count under one number', { count: 31 }, false, false, true],
  ['a Final of another head', { head: of(32, 9) }, false, true, true],
  ['a later tick with more', { k: 4, count: 31, head: of(32, 9) }, false, false, false],
  ['a later tick with less', { k: 4, count: 29, head: of(32, 9) }, false, false, true],
  ['two Finals', { k: 4, count: 31, head: of(32, 9) }, true, true, true],
  ['a tick after the Final', { k: 4, count: 31, head: of(32, 9) }, true, false, true],
  ['a tick before the Final', { k: 2, count: 20, head: of(32, 6) }, true, false, false],
  [
    'a tick of another head than the Final tells',
    { k: 2, count: 20, head: of(32, 9) },
    true,
    false,
    true,
  ],
  ['a tick of another count than the Final tells', { k: 2, count: 21 }, true, false, true],
  ['another device', { gpu: 'cpu-1', head: of(32, 9) }, false, false, false],
  ['another work', { work: 'residency', head: of(32, 9) }, false, false, false],
  ['another slot', { slot: 36, head: of(32, 9) }, false, false, false],
])('%s', (_, change, firstIsFinal, secondIsFinal, contradicts) => {
  const seal = (isFinal: boolean, value: TickClaim) =>
    (isFinal ? sealFinal(net, miner, closing(value)) : sealTick(net, miner, value)).bytes
  const records = [seal(firstIsFinal, claim()), seal(secondIsFinal, claim(change))]
  const [a, b] = records.map((record) => openClaim(net, record))
  expect([contradict(a!, b!), contradict(b!, a!)]).toEqual([contradicts, contradicts])
  const fraud = { ...equivocation(), claims: records }
  expect(equivocationFault(net, fraud) === null).toBe(contradicts)
})

const isRight = async (...parts: Parameters<typeof verifySignature>) => verifySignature(...parts)

test('a claim opens to the same when its signature is checked elsewhere; what is none, or is not signed, is refused', async () => {
  const openAside = async (bytes: Uint8Array) =>
    openClaimAside(net, peekRecord(net, bytes), bytes, isRight)
  const tick = sealTick(net, miner, claim()).bytes
  for (const bytes of [tick, sealFinal(net, miner, closing(claim())).bytes]) {
    expect(await openAside(bytes)).toEqual(openClaim(net, bytes))
  }
  const forged = tick.map((byte, i) => (i === tick.length - 1 ? byte ^ 1 : byte))
  await expect(openAside(forged)).rejects.toThrow(/signature/)
  const offer = { slot: 24, gpu: 'cpu-0', content: of(32, 7), bytes: 100, proveMs: 5 }
  await expect(openAside(sealOpenings(net, miner, offer).bytes)).rejects.toThrow(/neither/)
})

test('nothing rests on a locality chain: two tales of it prove nothing', () => {
  const told = (head: Uint8Array) => sealTick(net, miner, claim({ work: 'locality', head })).bytes
  const claims = [told(of(32, 8)), told(of(32, 9))]
  expect(equivocationFault(net, { ...equivocation(), claims })).toBe('its claims agree')
})

test('claims of two peers, of another slot or device, unsigned or of another kind, contradict nothing', () => {
  expect(equivocationFault(net, equivocation())).toBeNull()
  const [good, other] = equivocation().claims!
  const stranger = sealTick(net, validator, claim({ head: of(32, 9) })).bytes
  const offer = { slot: 24, gpu: 'cpu-0', content: of(32, 7), bytes: 100, proveMs: 5 }
  const forged = Uint8Array.from(good!)
  forged[forged.length - 1]! ^= 1
  for (const fraud of [
    { ...equivocation(), claims: [good!, stranger] },
    { ...equivocation(), claims: [stranger, stranger] },
    { ...equivocation(), claims: [forged, other!] },
    { ...equivocation(), claims: [good!, randomBytes(40)] },
    { ...equivocation(), claims: [good!, sealOpenings(net, miner, offer).bytes] },
    { ...equivocation(), claims: [good!] },
    { ...equivocation(), claims: undefined },
    { ...equivocation(), slot: 36 },
    { ...equivocation(), gpu: 'cpu-1' },
    { ...equivocation(), accused: validator.peerId },
  ]) {
    expect(equivocationFault(net, fraud)).toEqual(expect.any(String))
  }
  expect(equivocationFault(testNet(2), equivocation())).toEqual(expect.any(String))
})

test('a value counts only under a Final that its miner signed for it', () => {
  expect(finalOf(net, whole)).toEqual(close())
  expect(finalOf(net, page)).toEqual(close({ work: 'residency' }))
  const under = (final: Uint8Array) => finalOf(net, { ...whole, shown: { ...whole.shown!, final } })
  for (const final of [
    sealTick(net, miner, claim()).bytes,
    sealFinal(net, validator, close()).bytes,
    sealFinal(net, miner, close({ slot: 36 })).bytes,
    sealFinal(net, miner, close({ gpu: 'cpu-1' })).bytes,
    sealFinal(net, miner, close({ work: 'residency' })).bytes,
    randomBytes(60),
    new Uint8Array(),
  ]) {
    expect(under(final)).toBeNull()
  }
  expect(finalOf(net, equivocation())).toBeNull()
  expect(finalOf(testNet(2), whole)).toBeNull()
})
