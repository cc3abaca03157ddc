// What opens at a round of a beacon: byte for byte as the Rust implementation has it, both ways.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { devBeacon, QUICKNET } from '../../src/beacon.ts'
import { MAX_TIMELOCKED_BYTES, openTimelock, timelock } from '../../src/chain/timelock.ts'
import { timelockPayload } from '../../src/chain/timelock-weights.ts'

const vector = JSON.parse(
  readFileSync(new URL('../vectors/timelock.json', import.meta.url), 'utf8'),
) as Record<
  'signature' | 'hotkey' | 'payload' | 'key' | 'sigma' | 'nonce' | 'ours' | 'rust',
  string
> & {
  round: number
  versionKey: number
  row: [number, number][]
}
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const signature = bytes(vector.signature)
const payload = timelockPayload(bytes(vector.hotkey), vector.row, vector.versionKey)

test('weights encode to the recorded payload and encrypt to the recorded bytes', () => {
  expect(hex(payload)).toBe(vector.payload)
  const secrets = {
    key: bytes(vector.key),
    sigma: bytes(vector.sigma),
    nonce: bytes(vector.nonce),
  }
  expect(hex(timelock(payload, vector.round, QUICKNET.publicKey, secrets))).toBe(vector.ours)
})

test.each(['ours', 'rust'] as const)('the pulse of the round opens what is %s', (whose) => {
  expect(hex(openTimelock(bytes(vector[whose]), signature))).toBe(vector.payload)
})

test('a full row of 1024 fits a commit; each encryption differs', () => {
  const beacon = devBeacon(new Uint8Array(32).fill(5), 1000, 0)
  const row = Array.from({ length: 1024 }, (_, uid) => [uid, 65_535 - uid] as const)
  const plain = timelockPayload(bytes(vector.hotkey), row, 2 ** 40)
  const sealed = timelock(plain, 77, beacon.publicKey)
  expect(sealed.length).toBeLessThan(MAX_TIMELOCKED_BYTES)
  expect(hex(timelock(plain, 77, beacon.publicKey))).not.toBe(hex(sealed))
  expect(hex(openTimelock(sealed, beacon.sign(77).signature))).toBe(hex(plain))
  expect(() => openTimelock(sealed, beacon.sign(78).signature)).toThrow('another round')
})

test('changed, cut, longer or foreign bytes are refused, wherever they differ', () => {
  const sealed = bytes(vector.ours)
  const refused = { code: 'BAD_MESSAGE_TIMELOCK' }
  const flipped = (at: number) => sealed.map((byte, i) => (i === at ? byte ^ 1 : byte))
  // Once in the point, V, W, each length, the cipher's bytes, tag and nonce, and the suite.
  for (const at of [40, 96, 110, 136, 150, 176, 184, 200, 260, sealed.length - 1])
    expect(() => openTimelock(flipped(at), signature), `byte ${at}`).toThrow(
      expect.objectContaining(refused),
    )
  const others = [
    sealed.subarray(0, -1),
    sealed.subarray(0, 10),
    new Uint8Array(0),
    Buffer.concat([sealed, Uint8Array.of(0)]),
    new Uint8Array(MAX_TIMELOCKED_BYTES + 1),
  ]
  for (const other of others)
    expect(() => openTimelock(other, signature)).toThrow(expect.objectContaining(refused))
  expect(() => openTimelock(sealed, new Uint8Array(48))).toThrow(expect.objectContaining(refused))
})
