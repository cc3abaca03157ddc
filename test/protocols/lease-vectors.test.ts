import { createPublicKey, hash, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decode } from 'cborg'
import { expect, test } from 'vitest'
import { leaseProtocol } from '../../src/protocols/lease.ts'
import { verifyReceiptChain } from '../../src/protocols/receipt-chain.ts'
import { net } from '../support/lease.ts'
import { leaseVectors, volumesAnswered, volumesAsked } from '../support/lease-vectors.ts'

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, '../vectors/lease.json'), 'utf8'),
) as ReturnType<typeof leaseVectors>

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const sha256 = (...parts: Uint8Array[]): string => hash('sha256', Buffer.concat(parts))

test('what this program writes is what the golden file says', () => {
  expect(leaseVectors()).toEqual(golden)
})

test('what is said of volumes is read as it was meant', () => {
  const { asked, answered } = golden.volumes
  for (const [name, message] of Object.entries(volumesAsked)) {
    expect(leaseProtocol.request.decode(unhex(asked[name]!))).toEqual(message)
    expect(decode(unhex(asked[name]!))).toEqual(message) // plain CBOR, to a client in another language
  }
  for (const [name, message] of Object.entries(volumesAnswered)) {
    expect(leaseProtocol.response.decode(unhex(answered[name]!))).toEqual(message)
    expect(decode(unhex(answered[name]!))).toEqual(message)
  }
})

test('the golden chain verifies', () => {
  const { minerTerms, renterTerms, receipts, countersigned } = golden
  const chain = verifyReceiptChain(net, {
    minerTerms: unhex(minerTerms),
    renterTerms: unhex(renterTerms),
    receipts: receipts.map(({ record }) => unhex(record)),
    countersigned: unhex(countersigned),
  })
  expect(chain).toMatchObject({ seq: 2, claimed: 1500n, acknowledged: 1500n })
})

// With nothing of this program: what a client in another language would do.
test('ids, links and signatures are right by the words of DESIGN.md alone', () => {
  const digest = unhex(golden.netDigest)
  const open = (record: string, type: number, signer: string): Uint8Array => {
    const [version, kind, key, payload, signature] = decode(unhex(record)) as [
      number,
      number,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    expect([version, kind, Buffer.from(key).toString('hex')]).toEqual([1, type, signer])
    const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key])
    const signed = Buffer.concat([
      Buffer.from('compute-node/sig/1\0'),
      digest,
      Buffer.from([0, type]),
      payload,
    ])
    const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' })
    expect(verify(null, signed, publicKey, signature)).toBe(true)
    return payload
  }
  const terms = open(golden.minerTerms, 9, golden.miner)
  expect(open(golden.renterTerms, 9, golden.renter)).toEqual(terms)
  expect(sha256(Buffer.from('compute-node/lease/1\0'), digest, terms)).toBe(golden.leaseId)
  let prev = golden.leaseId
  for (const { id, record } of golden.receipts) {
    const payload = open(record, 10, golden.miner)
    const fields = decode(payload) as { prev: Uint8Array; leaseId: Uint8Array }
    expect(Buffer.from(fields.prev).toString('hex')).toBe(prev)
    expect(Buffer.from(fields.leaseId).toString('hex')).toBe(golden.leaseId)
    const head = [Buffer.from('compute-node/id/1\0'), digest, Buffer.from([0, 10])]
    expect(sha256(...head, unhex(golden.miner), payload)).toBe(id)
    prev = id
  }
  const last = open(golden.receipts[1]!.record, 10, golden.miner)
  expect(open(golden.countersigned, 10, golden.renter)).toEqual(last)
})
