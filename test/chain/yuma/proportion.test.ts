import { expect, test } from 'vitest'
import { divideBits, multiplyBits } from '../../../src/chain/yuma/fixed-point.ts'
import {
  divide,
  multiply,
  multiplyUp,
  normalise,
  ofU16,
  ratio,
  toU16,
} from '../../../src/chain/yuma/proportion.ts'
import { randomFrom } from '../../support/random.ts'

const random = randomFrom(7)
/** Whole numbers of every size up to 2^bits, ends included; two draws fill the low bits. */
const whole = (bits: number): number => {
  const size = Math.ceil(random() * bits)
  return random() < 0.1
    ? 2 ** size - Math.round(random())
    : Math.floor((random() + random() / 2 ** 24) * 2 ** size)
}
const CASES = 6000

test('multiplies to the very bits of the big numbers', () => {
  for (let i = 0; i < CASES; i++) {
    const [a, b] = [whole(35), whole(35)]
    const exact = multiplyBits(BigInt(a), BigInt(b))
    expect(BigInt(multiply(a, b))).toBe(exact)
    const up = (BigInt(a) * BigInt(b)) % 2n ** 32n === 0n ? exact : exact + 1n
    expect(BigInt(multiplyUp(a, b))).toBe(up)
  }
})

test('divides to the very bits of the big numbers', () => {
  for (let i = 0; i < CASES; i++) {
    const b = 1 + whole(43)
    const a = Math.min(whole(44), b * 2 ** 20)
    expect(BigInt(divide(a, b))).toBe(divideBits(BigInt(a), BigInt(b)))
  }
  expect(divide(5, 0)).toBe(0)
})

test('ratios of plain numbers, and u16 there and back', () => {
  for (let i = 0; i < CASES; i++) {
    const [part, of] = [whole(21), 1 + whole(40)]
    expect(BigInt(ratio(part, of))).toBe((BigInt(part) << 32n) / BigInt(of))
  }
  for (let u16 = 0; u16 < 65_536; u16 += 7) expect(u16 - toU16(ofU16(u16))).toBeOneOf([0, 1])
  expect(toU16(ofU16(65_535))).toBe(65_535)
  expect(ratio(1, 0)).toBe(0)
})

test('a list of nothing stays as it is', () => {
  expect(normalise([0, 0])).toEqual([0, 0])
  expect(normalise([1, 3])).toEqual([2 ** 30, 3 * 2 ** 30])
})
