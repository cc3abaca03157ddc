import { hash, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from 'cborg'
import { expect, test } from 'vitest'
import { bandwidth, carriedCodec } from '../../src/protocols/bandwidth.ts'
import { capabilityCodec } from '../../src/protocols/capability.ts'
import { type Codec, decodeCbor, encodeCbor } from '../../src/protocols/codec.ts'
import { offerCodec, withdrawalCodec } from '../../src/protocols/offers.ts'
import { openRecord, type RecordType } from '../../src/protocols/signed.ts'
import { sync } from '../../src/protocols/sync.ts'
import { testKey, testNet } from '../support/market.ts'
import { hex, tagged, unhex, untagged, wireVectors } from '../support/wire-vectors.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/wire.json'), 'utf8'),
) as ReturnType<typeof wireVectors>

test('what this program writes is what the golden file says', () => {
  expect(JSON.parse(JSON.stringify(wireVectors()))).toEqual(golden)
})

test.each(golden.cbor.map(({ hex: bytes, value }) => [bytes, value] as const))(
  '%s decodes to its value and back',
  (bytes, value) => {
    expect(tagged(decodeCbor(unhex(bytes)))).toEqual(value)
    expect(hex(encodeCbor(untagged(value)))).toBe(bytes)
  },
)

test.each(golden.cborRefused.map(({ hex: bytes, why }) => [why, bytes] as const))(
  '%s is refused (%s)',
  (_, bytes) => {
    expect(() => decodeCbor(unhex(bytes))).toThrow(expect.objectContaining({ code: 'BAD_MESSAGE' }))
  },
)

const codecs = {
  capability: capabilityCodec,
  capabilityOfProofs: capabilityCodec,
  capabilityOfModes: capabilityCodec,
  offer: offerCodec,
  offerOfGpus: offerCodec,
  withdrawal: withdrawalCodec,
}
const names = Object.keys(codecs) as (keyof typeof codecs)[]

test.each(names)('the golden %s opens, and re-encodes to the same payload', (name) => {
  const vector = golden.records[name]
  const codec = codecs[name] as typeof offerCodec
  const record = openRecord(testNet(), vector.type as RecordType, codec, unhex(vector.record))
  expect(hex(record.id)).toBe(vector.id)
  expect(tagged(record.payload)).toEqual(vector.payload)
  expect(hex(codec.encode(record.payload))).toBe(vector.payloadHex)
})

const messageCodecs = {
  syncFirst: sync.request,
  syncOn: sync.request,
  syncPage: sync.response,
  syncLastPage: sync.response,
  syncNothing: sync.response,
  bandwidth: bandwidth.request,
  bandwidthCarried: carriedCodec,
}

test.each(Object.keys(messageCodecs) as (keyof typeof messageCodecs)[])(
  'the golden message %s decodes to its value and back, and is canonical CBOR',
  (name) => {
    const codec = messageCodecs[name] as Codec<unknown>
    const vector = golden.messages[name]
    expect(tagged(codec.decode(unhex(vector.hex)))).toEqual(vector.value)
    expect(hex(codec.encode(untagged(vector.value)))).toBe(vector.hex)
    expect(tagged(decode(unhex(vector.hex)))).toEqual(vector.value)
  },
)

// The same once more with nothing of this program: what a client in another language would do.
test.each(names)('the golden %s is right by the words of DESIGN.md alone', (name) => {
  const vector = golden.records[name]
  const sha256 = (...parts: Uint8Array[]) => hash('sha256', Buffer.concat(parts))
  const netuid = Buffer.from([0, 1])
  const digest = unhex(
    sha256(Buffer.from('compute-node/net/1\0'), new Uint8Array(32).fill(7), netuid),
  )
  expect(hex(digest)).toBe(golden.signer.netDigest)
  const [version, type, publicKey, payload, signature] = decode(unhex(vector.record)) as [
    number,
    number,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  expect([version, type, hex(publicKey)]).toEqual([1, vector.type, golden.signer.publicKey])
  const u16 = Buffer.from([0, type])
  const signed = Buffer.concat([Buffer.from('compute-node/sig/1\0'), digest, u16, payload])
  const key = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey])
  const { createPublicKey } = process.getBuiltinModule('node:crypto')
  const verifyKey = createPublicKey({ key, format: 'der', type: 'spki' })
  expect(verify(null, signed, verifyKey, signature)).toBe(true)
  expect(sha256(Buffer.from('compute-node/id/1\0'), digest, u16, publicKey, payload)).toBe(
    vector.id,
  )
})

test('the golden message ids are right by the words of DESIGN.md alone', () => {
  for (const { topic, data, id } of golden.messageIds) {
    const name = Buffer.from(topic)
    const length = Buffer.from([name.length >> 8, name.length & 255])
    expect(hash('sha256', Buffer.concat([length, name, unhex(data)]))).toBe(id)
  }
})

test('the golden signer is the key of its seed', () => {
  const key = testKey(1)
  expect(golden.signer).toMatchObject({ publicKey: hex(key.publicKey), peerId: key.peerId })
})
