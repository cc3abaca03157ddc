import { expect, test } from 'vitest'
import { filterOffers, readQuery } from '../../../src/console/market/filter-offers.ts'
import { modelOf, type Offer, shortModel, topsPerPrice } from '../../../src/console/market/offer.ts'

const offer = (id: string, facts: object): Offer =>
  ({ id, asset: 'DEV', dph: '1', rentable: true, devices: [], ...facts }) as unknown as Offer

const offers = [
  offer('a', { dph: '10', tops: 100, gpu_name: 'NVIDIA H100' }),
  offer('b', { dph: '9', gpu_name: 'NVIDIA H100' }),
  offer('c', { dph: '0.5', tops: 10, gpu_name: 'CPU EPYC' }),
  offer('d', { dph: '1', rentable: false, gpu_name: 'NVIDIA H100' }),
]

const ids = (text: string, key: string, descending = false): string =>
  filterOffers(offers, readQuery(text).query!, { key, descending })
    .map(({ id }) => id)
    .join('')

test.each([
  ['', 'dph', false, 'cba'],
  ['', 'dph', true, 'abc'],
  ['', 'tops', false, 'cab'],
  ['', 'tops', true, 'acb'],
  ['', 'value', true, 'cab'],
  ['gpu_name=H100', 'dph', false, 'ba'],
  ['rentable=any', 'id', false, 'abcd'],
  ['rentable=false', 'id', false, 'd'],
])('`%s` by %s (descending: %s) finds %s', (text, key, descending, found) => {
  expect(ids(text, key, descending)).toBe(found)
})

test.each([
  ['gpu_ram>=24 gpu_nam=H100', 12, 19, 'gpu_name'],
  ['dph<cheap', 4, 9, undefined],
  ['dph<', 3, 4, undefined],
  ['gpu_name="H100', 9, 10, undefined],
])('what is wrong with `%s` is said at its place', (text, from, to, instead) => {
  const { problem } = readQuery(text)
  expect(problem).toMatchObject({ from, to, instead })
  expect(problem!.message).not.toContain('at character')
})

test.each([
  ['gpu-0', 'NVIDIA H100 80GB HBM3', 'H100'],
  ['gpu-0', 'NVIDIA A100-SXM4-80GB', 'A100'],
  ['gpu-0', 'NVIDIA GeForce RTX 4090', 'RTX 4090'],
  ['gpu-0', 'AMD Instinct MI300X', 'MI300X'],
  ['cpu-0', 'AMD EPYC', 'CPU'],
])('%s %s is known as %s', (id, name, short) => {
  const { devices } = offer('x', { devices: [{ id, name, vendor: '', vramMiB: 0 }] })
  expect(shortModel({ devices })).toBe(short)
  expect(modelOf({ devices })).toContain(name)
})

test('what was not measured has no value for money', () => {
  expect(topsPerPrice(offers[1]!)).toBeUndefined()
  expect(topsPerPrice(offers[0]!)).toBe(10)
})
