import { expect, test } from 'vitest'
import { z } from 'zod'
import { cborCodec, encodeCbor } from '../../src/protocols/codec.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'
import { sealRecord } from '../../src/protocols/seal.ts'
import {
  openPeekedAside,
  openRecord,
  peekRecord,
  recordId,
  recordTypes,
} from '../../src/protocols/signed.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const key = testKey(1)
const codec = cborCodec(z.looseObject({ n: z.int() }), 100)
const sealed = sealRecord(net, recordTypes.offer, codec, key, { n: 7 })
const open = (bytes: Uint8Array, on = net, type: 2 | 3 = 2) => openRecord(on, type, codec, bytes)

const isRight = async (...parts: Parameters<typeof verifySignature>) => verifySignature(...parts)

test('what is sealed opens to the same', () => {
  const opened = open(sealed.bytes)
  expect(opened).toMatchObject({ payload: { n: 7 }, id: sealed.id, publicKey: key.publicKey })
  expect(opened.bytes).toEqual(sealed.bytes)
})

test('with its signature checked elsewhere it opens to the same, and a flipped bit passes as little', async () => {
  const openAside = async (bytes: Uint8Array) =>
    openPeekedAside(net, peekRecord(net, bytes), codec, bytes, isRight)
  expect(await openAside(sealed.bytes)).toEqual(open(sealed.bytes))
  const flipped = Array.from({ length: sealed.bytes.length }, (_, at) =>
    sealed.bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
  )
  const outcomes = await Promise.allSettled(flipped.map(openAside))
  for (const [at, outcome] of outcomes.entries()) {
    expect(outcome, `byte ${at}`).toMatchObject({
      status: 'rejected',
      reason: { code: expect.stringMatching(/^BAD_MESSAGE/) },
    })
  }
  const raw = peekRecord(net, sealed.bytes)
  for (const part of [
    { publicKey: new Uint8Array(32).fill(255) }, // no point of the curve
    { signature: new Uint8Array(64) },
  ]) {
    const opening = openPeekedAside(net, { ...raw, ...part }, codec, sealed.bytes, isRight)
    await expect(opening).rejects.toThrow(/signature/)
  }
})

test('signing is deterministic, and the id does not hold the signature', () => {
  expect(sealRecord(net, 2, codec, key, { n: 7 }).bytes).toEqual(sealed.bytes)
  const raw = peekRecord(net, sealed.bytes)
  expect(recordId(net, 2, raw.publicKey, raw.payload)).toEqual(sealed.id)
})

test('no single flipped bit passes', () => {
  for (let bit = 0; bit < sealed.bytes.length * 8; bit++) {
    const bytes = Uint8Array.from(sealed.bytes)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    expect(() => open(bytes), `bit ${bit}`).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^BAD_MESSAGE/) }),
    )
  }
})

test('nothing signed in one network, as one type or by one key is valid elsewhere', () => {
  expect(() => open(sealed.bytes, testNet(2))).toThrow(/another network/)
  expect(() => open(sealed.bytes, net, 3)).toThrow(/record type 2 where 3 belongs/)
  const { payload, signature } = peekRecord(net, sealed.bytes)
  expect(() => open(encodeCbor([1, 3, key.publicKey, payload, signature]), net, 3)).toThrow(
    /signature/,
  )
  expect(() => open(encodeCbor([1, 2, testKey(2).publicKey, payload, signature]))).toThrow(
    /signature/,
  )
})

test('ids differ by network, type, key and payload', () => {
  const payload = codec.encode({ n: 1 })
  const ids = [
    recordId(net, 2, key.publicKey, payload),
    recordId(testNet(2), 2, key.publicKey, payload),
    recordId(net, 3, key.publicKey, payload),
    recordId(net, 2, testKey(2).publicKey, payload),
    recordId(net, 2, key.publicKey, codec.encode({ n: 2 })),
  ].map((id) => Buffer.from(id).toString('hex'))
  expect(new Set(ids).size).toBe(5)
})

const parts: readonly unknown[] = [1, 2, key.publicKey, new Uint8Array(3), new Uint8Array(64)]
test.each<[string, unknown]>([
  ['a map', {}],
  ['too few parts', parts.slice(0, 4)],
  ['too many parts', [...parts, 0]],
  ['a type out of range', parts.with(1, 65_536)],
  ['a negative type', parts.with(1, -1)],
  ['a short key', parts.with(2, new Uint8Array(31))],
  ['text for a payload', parts.with(3, 'abc')],
  ['a long signature', parts.with(4, new Uint8Array(65))],
  ['text for a version', parts.with(0, 'one')],
])('%s is no record', (_, value) =>
  expect(() => peekRecord(net, encodeCbor(value))).toThrow(
    expect.objectContaining({ code: 'BAD_MESSAGE' }),
  ),
)

test('an unknown version has a code of its own, so that nobody is punished for it', () => {
  for (const version of [0, 2, 99]) {
    expect(() => peekRecord(net, encodeCbor(parts.with(0, version)))).toThrow(
      expect.objectContaining({ code: 'BAD_MESSAGE_VERSION' }),
    )
  }
})

test('a payload that is signed well and shaped badly is refused', () => {
  const loose = { encode: (v: unknown) => encodeCbor(v), decode: (b: Uint8Array) => b as unknown }
  expect(() => open(sealRecord(net, 2, loose, key, { n: 'x' }).bytes)).toThrow(/^n:/)
})

test('verifying never throws, whatever the bytes', () => {
  const message = new Uint8Array(4)
  expect(verifySignature(new Uint8Array(32).fill(255), message, new Uint8Array(64))).toBe(false)
  expect(verifySignature(new Uint8Array(5), message, new Uint8Array(64))).toBe(false)
  expect(verifySignature(key.publicKey, message, new Uint8Array(0))).toBe(false)
})

test('keys of small order sign nothing', () => {
  // The identity point: with it, an all-zero scalar and R = identity satisfy the equation for every message.
  const identity = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 1 : 0))
  const forged = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 1 : 0))
  expect(verifySignature(identity, Buffer.from('anything'), forged)).toBe(false)
})
