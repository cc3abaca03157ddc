import { expect, test } from 'vitest'
import { factsOf } from '../../src/node/offer-facts.ts'
import { sealOffer } from '../../src/protocols/offers.ts'
import { FIELDS, fieldNamed } from '../../src/query/fields.ts'
import { matches } from '../../src/query/match.ts'
import { parseQuery } from '../../src/query/parse.ts'
import { readValue } from '../../src/query/value.ts'
import { offerOf, testKey, testNet } from '../support/market.ts'

const key = testKey(1)
const facts = (change: object = {}) =>
  factsOf(testNet(), sealOffer(testNet(), key, offerOf(key, change)), { rentable: true })
const h100 = {
  vendor: 'nvidia',
  name: 'NVIDIA H100 80GB HBM3',
  vramMiB: 81_559,
  driver: '550.54.15',
  computeCapability: '9.0',
  measured: { bandwidthMBps: 2_900_000, mops: 400_000_000, attestations: [] },
}
const gpus = (...vram: number[]) =>
  vram.map((vramMiB, i) => ({ ...h100, vramMiB, id: `0000:0${i}:00.0` }))

test('every fact has a field and is of its type', () => {
  for (const one of [
    facts(),
    facts({
      devices: gpus(81_559, 81_559),
      hotkey: new Uint8Array(32),
      host: { ...offerOf(key).host, country: 'DE', inetUpMbps: 1, inetDownMbps: 2 },
    }),
  ]) {
    for (const [name, value] of Object.entries(one)) {
      const field = fieldNamed(name)
      expect(field, name).toBeDefined()
      if (value !== undefined) expect(readValue(field!.type, String(value)), name).toBeDefined()
    }
  }
  expect(FIELDS.length).toBeGreaterThan(20)
})

test.each([
  ['gpu_name=H100 num_gpus>=2 gpu_ram>=80 dph<3', true],
  [
    'gpu_name=h100_sxm gpu_total_ram=160 tops=800 gpu_mem_bw>=2900 compute_cap=9 driver_version>=550',
    true,
  ],
  ['gpu_name=CPU', false],
  ['duration>=1 min_duration<1', true],
])('two H100: %s is %s', (query, expected) =>
  expect(matches(parseQuery(query), facts({ devices: gpus(81_559, 81_559) }))).toBe(expected),
)

test('a processor is found as CPU and has no GPU facts', () => {
  expect(matches(parseQuery('gpu_name=CPU num_gpus=0 cpu_cores=2 cpu_ram=4'), facts())).toBe(true)
  expect(facts()['gpu_ram']).toBeUndefined()
})

test('of unlike GPUs the weakest speaks', () =>
  expect(facts({ devices: gpus(24_564, 81_559) })).toMatchObject({
    gpu_ram: 24,
    gpu_total_ram: 104,
  }))
test('what is not measured on every device is not known', () => {
  const [first, second] = gpus(81_559, 81_559)
  const { measured, ...bare } = second!
  expect(measured).toBeDefined()
  expect(facts({ devices: [first, bare] })['tops']).toBeUndefined()
})
