import { expect, test } from 'vitest'
import {
  bytesText,
  durationText,
  figureText,
  moneyText,
  shortPeer,
} from '../../src/console/ui/format.ts'

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [1_342_177_280, '1.25 GiB'],
])('%d bytes read %s', (bytes, text) => expect(bytesText(bytes)).toBe(text))

test.each([
  [-5, '0 s'],
  [400, '0 s'],
  [40_000, '40 s'],
  [7_500_000, '2 h 5 min'],
  [86_400_000, '1 d'],
  [59_999, '1 min'],
])('%d ms read %s', (ms, text) => expect(durationText(ms)).toBe(text))

test.each([
  ['0.500000', '0.5'],
  ['1234567.25', '1\u2009234\u2009567.25'],
  ['0.000000123', '0'],
  ['12', '12'],
])('the amount %s reads %s', (amount, text) => expect(moneyText(amount)).toBe(text))

test.each([
  [0.004812, '0.00481'],
  [12.345, '12.3'],
  [1979.6, '1\u2009980'],
])('the figure %d reads %s', (value, text) => expect(figureText(value)).toBe(text))

test('a PeerId is shortened to both its ends', () => {
  expect(shortPeer('12D3KooWAJ8opzQu5yDe5i83mbYC9uL3qkWFQp6e3mWisDWmTMqQ')).toBe('12D3…WmTMqQ')
})
