import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { expect, test } from 'vitest'
import { concat } from '../../src/bytes.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'
import { asInPage } from '../support/as-page.ts'

const inPage = await asInPage(() => import('../../src/protocols/ed25519.ts'))
const { Point } = ed25519
const { Fn } = Point

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const message = hex('c0ffee')
const number = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
const le32 = (value: bigint): Uint8Array =>
  hex(value.toString(16).padStart(64, '0')).reverse() as Uint8Array

const torsion = ED25519_TORSION_SUBGROUP.map((text) => Point.fromHex(text))

/** What the equation gives for a key and an R that are each off by a point of small order. */
function signedWith(
  t1: (typeof torsion)[number],
  t2: (typeof torsion)[number],
  { above = 0n, secret = 123_456_789n, nonce = 987_654_321n } = {},
) {
  const publicKey = Point.BASE.multiplyUnsafe(secret).add(t1).toBytes()
  const r = Point.BASE.multiplyUnsafe(nonce).add(t2).toBytes()
  const k = number(sha512(concat([r, publicKey, message]))) % Fn.ORDER
  const s = ((nonce + k * secret) % Fn.ORDER) + above
  return [publicKey, concat([r, le32(s)])] as const
}

const honest = signedWith(Point.ZERO, Point.ZERO)
/** Other encodings of points: y beyond the field, and the sign of an x that is zero. */
const oddKeys = [
  `ee${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `01${'00'.repeat(30)}80`,
  `ee${'ff'.repeat(31)}`,
  'ff'.repeat(32),
  '00'.repeat(32),
  `02${'00'.repeat(31)}`,
].map(hex)
const cases: (readonly [Uint8Array, Uint8Array])[] = [
  honest,
  [honest[0], honest[1].map((byte, i) => (i === 63 ? byte ^ 1 : byte))],
  [honest[0], honest[1].map((byte, i) => (i === 0 ? byte ^ 1 : byte))],
  [honest[0], honest[1].subarray(0, 63)],
  [honest[0].subarray(0, 31), honest[1]],
  [new Uint8Array(0), new Uint8Array(0)],
  signedWith(Point.ZERO, Point.ZERO, { above: Fn.ORDER }),
  ...torsion.flatMap((t1) => torsion.map((t2) => signedWith(t1, t2))),
  ...torsion.flatMap((t1) =>
    torsion.slice(0, 2).flatMap((t2) => [
      signedWith(t1, t2, { nonce: 0n }), // an R of small order
      signedWith(t1, t2, { secret: 0n }), // a key of small order
    ]),
  ),
  ...oddKeys.flatMap((key) => oddKeys.map((r) => [key, concat([r, new Uint8Array(32)])] as const)),
]

test('a page and Node say the same of every signature, crafted ones too', () => {
  const verdicts = cases.map(([key, signature]) => verifySignature(key, message, signature))
  expect(cases.map(([key, signature]) => inPage.verifySignature(key, message, signature))).toEqual(
    verdicts,
  )
  expect(verdicts[0]).toBe(true)
  expect(verdicts.slice(1, 7)).not.toContain(true)
  expect(new Set(verdicts.slice(7)).size).toBe(2) // among crafted ones are such as pass
})
