import { expect, test } from 'vitest'
import { type Fact, type Facts, FIELDS } from '../../src/query/fields.ts'
import { matches, parseOrder, withDefaults } from '../../src/query/match.ts'
import { parseQuery } from '../../src/query/parse.ts'
import { randomFrom } from '../support/random.ts'

const h100: Facts = {
  gpu_name: 'NVIDIA H100 80GB HBM3 h100 sxm',
  num_gpus: 2,
  gpu_ram: 80,
  dph: '2.5',
  reliability: 0.995,
  verified: true,
  geolocation: 'DE',
  compute_cap: '9.0',
  driver_version: '550.54.15',
  rentable: true,
  asset: 'DEV',
}
const cpu: Facts = { gpu_name: 'CPU', num_gpus: 0, dph: '0.1', rentable: true }

test.each([
  [
    'gpu_name=H100 num_gpus>=2 gpu_ram>=80 dph<3 reliability>0.99 verified=true geolocation in [DE,FR]',
    true,
  ],
  ['gpu_name=h100_sxm', true],
  ['gpu_name="NVIDIA H100"', true],
  ['gpu_name=A100', false],
  ['gpu_name=H10', false],
  ['gpu_name!=A100', true],
  ['dph=2.50', true],
  ['dph<2.5', false],
  ['dph<=2.5', true],
  ['dph<2.500000000000000001', true],
  ['compute_cap>=8.9 compute_cap<10', true],
  ['driver_version>=550.9', true],
  ['geolocation=de', true],
  ['geolocation notin [US]', true],
  ['geolocation notin [de]', false],
  ['num_gpus=8 or asset=dev', true],
  ['num_gpus=8 or asset=tao', false],
  ['gpu_name=CPU', false],
])('%s on an H100 offer: %s', (text, expected) =>
  expect(matches(parseQuery(text), h100)).toBe(expected),
)

test('gpu_name=CPU finds processors', () =>
  expect(matches(parseQuery('gpu_name=CPU'), cpu)).toBe(true))

test.each(['gpu_ram>=0', 'gpu_ram!=1', 'gpu_ram<9999', 'gpu_ram notin [1]', 'geolocation!=US'])(
  'what is not known does not satisfy %s',
  (text) => expect(matches(parseQuery(text), cpu)).toBe(false),
)
test('field=any holds for what is not known', () =>
  expect(matches(parseQuery('gpu_ram=any'), cpu)).toBe(true))

test('a default holds unless its field is spoken of', () => {
  const defaults = [parseQuery('rentable=true')]
  const taken = { ...cpu, rentable: false }
  expect(matches(withDefaults(parseQuery(''), defaults), taken)).toBe(false)
  expect(matches(withDefaults(parseQuery('dph<1 rentable=any'), defaults), taken)).toBe(true)
  expect(matches(withDefaults(parseQuery('dph<1 or rentable=false'), defaults), taken)).toBe(true)
})

test('dph,-score is cheapest first, then best; unknown facts come last either way', () => {
  const offers: Facts[] = [
    { id: 'a', dph: '2', score: 1 },
    { id: 'b', dph: '10', score: 9 },
    { id: 'c', dph: '2', score: 5 },
    { id: 'd' },
    { id: 'e', dph: '2' },
  ]
  const ids = (order: string) => offers.toSorted(parseOrder(order)).map((o) => o['id'])
  expect(ids('dph,-score')).toEqual(['c', 'a', 'e', 'b', 'd'])
  expect(ids('-dph')).toEqual(['b', 'a', 'c', 'e', 'd'])
  expect(() => parseOrder('dhp')).toThrow(/did you mean dph/)
})

// Properties over random queries and facts; the seed is fixed, so a failure repeats.
const random = randomFrom(1)
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
const some = {
  number: () => String(Math.floor(random() * 5)),
  money: () => String(Math.floor(random() * 50) / 10),
  version: () => `${Math.floor(random() * 3)}.${Math.floor(random() * 3)}`,
  boolean: () => pick(['true', 'false']),
  text: () => pick(['DE', 'FR', 'a b']),
  words: () => pick(['H100', 'RTX 4090', 'CPU']),
}
const someFacts = (): Facts =>
  Object.fromEntries(
    FIELDS.filter(() => random() < 0.7).map((f): [string, Fact] => [f.name, some[f.type]()]),
  )
function someQuery(depth: number): string {
  if (depth > 0 && random() < 0.5)
    return `(${someQuery(depth - 1)} ${pick(['and', 'or', ''])} ${someQuery(depth - 1)})`
  const field = pick(FIELDS)
  const ordered = ['number', 'money', 'version'].includes(field.type)
  const value = () => `"${some[field.type]()}"`
  if (random() < 0.2) return `${field.name} ${pick(['in', 'notin'])} [${value()}, ${value()}]`
  return `${field.name} ${pick(ordered ? ['=', '!=', '<', '>', '<=', '>='] : ['=', '!='])} ${value()}`
}

test('and is both, or is either, whatever they hold', () => {
  for (let i = 0; i < 1500; i++) {
    const [a, b, facts] = [someQuery(2), someQuery(2), someFacts()]
    const holds = (text: string) => matches(parseQuery(text), facts)
    expect(holds(`(${a}) and (${b})`), `${a} ; ${b}`).toBe(holds(a) && holds(b))
    expect(holds(`(${a}) (${b})`)).toBe(holds(a) && holds(b))
    expect(holds(`(${a}) or (${b})`)).toBe(holds(a) || holds(b))
  }
})

test('on a known fact, a comparison and its opposite exclude each other', () => {
  const opposite: Record<string, string> = {
    '=': '!=',
    '!=': '=',
    '<': '>=',
    '>=': '<',
    '>': '<=',
    '<=': '>',
  }
  for (let i = 0; i < 1500; i++) {
    const field = pick(FIELDS)
    const facts = { [field.name]: some[field.type]() }
    const operator = pick(
      ['number', 'money', 'version'].includes(field.type) ? Object.keys(opposite) : ['=', '!='],
    )
    const value = some[field.type]()
    const holds = (o: string) => matches(parseQuery(`${field.name} ${o} "${value}"`), facts)
    expect(holds(operator)).toBe(!holds(opposite[operator]!))
    expect(matches(parseQuery(`${field.name} in ["${value}"]`), facts)).toBe(holds('='))
  }
})

test('garbage is refused with BAD_CONFIG_QUERY and never with another error', () => {
  const alphabet = [
    'dph',
    'in',
    '[',
    ']',
    '(',
    ')',
    '<',
    '=',
    '"',
    ',',
    ' ',
    'not',
    'or',
    '3',
    '!',
    '_',
    'any',
    'é',
  ]
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(alphabet)).join(
      '',
    )
    try {
      parseQuery(text)
    } catch (error) {
      expect(error, text).toMatchObject({ code: 'BAD_CONFIG_QUERY' })
    }
  }
})
