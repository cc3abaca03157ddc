import { expect, test } from 'vitest'
import {
  addBits,
  bitsOf,
  divideBits,
  expBits,
  multiplyBits,
  ONE_BITS,
  subtractBits,
} from '../../../src/chain/yuma/fixed-point.ts'

const MOST = 2n ** 63n - 1n

test('what does not fit saturates', () => {
  expect(addBits(MOST, 1n)).toBe(MOST)
  expect(subtractBits(-MOST, 2n)).toBe(-MOST - 1n)
  expect(multiplyBits(bitsOf(100_000), bitsOf(-100_000))).toBe(-MOST - 1n)
  expect(divideBits(bitsOf(1_000_000), 1n)).toBe(MOST)
  expect(bitsOf(2 ** 40)).toBe(MOST)
})

test('products round down and quotients towards zero', () => {
  expect(multiplyBits(-1n, ONE_BITS / 2n)).toBe(-1n)
  expect(multiplyBits(1n, ONE_BITS / 2n)).toBe(0n)
  expect(divideBits(-1n, bitsOf(2))).toBe(0n)
  expect(divideBits(ONE_BITS, bitsOf(3))).toBe(1_431_655_765n)
  expect(divideBits(ONE_BITS, 0n)).toBe(0n)
})

test('the exponential is that of the power series, within its last bits', () => {
  for (const x of [-20, -7.25, -1, -0.001, 0, 0.5, 2, 5]) {
    const exact = Math.exp(x) * 2 ** 32
    expect(Math.abs(Number(expBits(BigInt(Math.round(x * 2 ** 32)))) / exact - 1)).toBeLessThan(
      Math.max(1e-7, 2 / exact),
    )
  }
})

test('e itself is the constant of the runtime, which is shorter than the series', () => {
  expect(expBits(ONE_BITS)).toBe(0x2_b7e1_5000n)
})

test('inputs beyond 20 count as 20', () => {
  expect(expBits(bitsOf(21))).toBe(expBits(bitsOf(20)))
  expect(expBits(bitsOf(-3000))).toBe(expBits(bitsOf(-20)))
  expect(expBits(bitsOf(-20))).toBe(8n)
})
