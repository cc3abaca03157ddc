import { expect, test } from 'vitest'
import { z } from 'zod'
import { cborCodec, decodeCbor, encodeCbor } from '../../src/protocols/codec.ts'
import { randomFrom } from '../support/random.ts'

const bad = expect.objectContaining({ code: 'BAD_MESSAGE' })

test.each<[string, unknown]>([
  ['a float', 1.5],
  ['minus zero', -0],
  ['infinity', Number.POSITIVE_INFINITY],
  ['2^53', 2 ** 53],
  ['a bigint', 1n],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['a date', new Date()],
  ['a map', new Map()],
  ['a set', new Set()],
  [
    'a class',
    new (class A {
      a = 1
    })(),
  ],
])('%s has no encoding', (_, value) => expect(() => encodeCbor({ value })).toThrow(bad))

test('absent and undefined are the same, in maps', () => {
  expect(encodeCbor({ a: 1, b: undefined })).toEqual(encodeCbor({ a: 1 }))
})

test('undefined in an array or alone is refused, for it would shift or vanish', () => {
  expect(() => encodeCbor([1, undefined])).toThrow(bad)
  expect(() => encodeCbor(undefined)).toThrow(bad)
})

test('keys stand by length and then bytewise, whatever their order was', () => {
  const one = encodeCbor({ b: 1, aa: 2, a: 3, '': 4 })
  expect(one).toEqual(encodeCbor({ '': 4, a: 3, aa: 2, b: 1 }))
  expect(Buffer.from(one).toString('hex')).toBe('a460046161036162016261' + '6102')
})

test('a key such as __proto__ is data like any other', () => {
  const bytes = encodeCbor(JSON.parse('{"__proto__": {"admin": true}, "constructor": 1}'))
  const value = decodeCbor(bytes) as object
  expect(Object.hasOwn(value, '__proto__')).toBe(true)
  expect((value as { admin?: boolean }).admin).toBeUndefined()
  expect(({} as { admin?: boolean }).admin).toBeUndefined()
  expect(encodeCbor(value)).toEqual(bytes)
})

test('16 levels pass and 17 do not, both ways', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 0 : [nested(levels - 1)])
  expect(decodeCbor(encodeCbor(nested(16)))).toEqual(nested(16))
  expect(() => encodeCbor(nested(17))).toThrow(bad)
  expect(() => decodeCbor(Buffer.from(`${'81'.repeat(17)}00`, 'hex'))).toThrow(bad)
})

test('a million nested arrays are refused without a stack overflow', () => {
  expect(() => decodeCbor(new Uint8Array(1_000_000).fill(0x81))).toThrow(bad)
  expect(() => decodeCbor(new Uint8Array(1_000_000).fill(0xa1))).toThrow(bad)
})

const random = randomFrom(11)
const below = (n: number) => Math.floor(random() * n)
function someValue(depth: number): unknown {
  const kind = below(depth > 0 ? 8 : 6)
  switch (kind) {
    case 0:
      return below(2 ** 31) * 2 ** below(22)
    case 1:
      return -1 - below(2 ** 31)
    case 2:
      return Array.from({ length: below(30) }, () => 'aä€😀'[below(3)]).join('')
    case 3:
      return Uint8Array.from({ length: below(300) }, () => below(256))
    case 4:
      return below(2) === 1
    case 5:
      return null
    case 6:
      return Array.from({ length: below(5) }, () => someValue(depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: below(5) }, () => [`k${below(1000)}`, someValue(depth - 1)]),
      )
  }
}

test('whatever encodes decodes to itself', () => {
  for (let i = 0; i < 2000; i++) {
    const value = someValue(4)
    expect(decodeCbor(encodeCbor(value))).toEqual(value)
  }
})

test('whatever random bytes decode re-encode to the same bytes; all others are BAD_MESSAGE', () => {
  let accepted = 0
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: 1 + below(12) }, () =>
      below(3) === 0 ? below(256) : below(0x20) + (below(6) << 5),
    )
    try {
      const value = decodeCbor(bytes)
      accepted++
      expect(encodeCbor(value)).toEqual(bytes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_MESSAGE' })
    }
  }
  expect(accepted).toBeGreaterThan(100)
})

test('one flipped bit of a good message never gives the same value', () => {
  const bytes = encodeCbor({ seq: 7, name: 'x', list: [1, 2], raw: Uint8Array.of(9) })
  const value = decodeCbor(bytes)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    let got: unknown
    try {
      got = decodeCbor(flipped)
    } catch {
      continue // refused: as good
    }
    expect(got).not.toEqual(value)
  }
})

const codec = cborCodec(z.looseObject({ seq: z.int(), name: z.string().max(5).optional() }), 40)

test('a codec judges size, encoding and schema, and names the field', () => {
  expect(codec.decode(codec.encode({ seq: 1 }))).toEqual({ seq: 1 })
  expect(() => codec.decode(encodeCbor({ seq: 'one' }))).toThrow(/^seq:/)
  expect(() => codec.decode(encodeCbor({ seq: 1, name: 'too long' }))).toThrow(/^name:/)
  expect(() => codec.decode(encodeCbor([1]))).toThrow(bad)
  expect(() => codec.decode(encodeCbor({ seq: 1, more: 'x'.repeat(40) }))).toThrow(/at most 40/)
  expect(() => codec.encode({ seq: 1, more: 'x'.repeat(40) } as { seq: number })).toThrow(
    /at most 40/,
  )
  expect(() => codec.decode(new Uint8Array(0))).toThrow(bad)
})

test('a key of a later version is kept', () => {
  const later = encodeCbor({ seq: 1, zzz: [1] })
  expect(codec.encode(codec.decode(later))).toEqual(later)
})
