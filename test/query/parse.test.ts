import { expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { FIELDS } from '../../src/query/fields.ts'
import { EVERYTHING, parseQuery } from '../../src/query/parse.ts'

const compare = (name: string, operator: string, value: unknown) =>
  expect.objectContaining({
    kind: 'compare',
    operator,
    field: expect.objectContaining({ name }),
    value: expect.objectContaining({ value }),
  })

test.each([
  ['gpu_name=H100', compare('gpu_name', '=', ['h100'])],
  ['GPU_Name == H100', compare('gpu_name', '=', ['h100'])],
  ['gpu_name=RTX_4090', compare('gpu_name', '=', ['rtx', '4090'])],
  ['num_gpus>=2', compare('num_gpus', '>=', 2)],
  ['num_gpus gte 2', compare('num_gpus', '>=', 2)],
  ['dph<3', compare('dph', '<', 3n * 10n ** 18n)],
  ['dph <= 0.000000000000000001', compare('dph', '<=', 1n)],
  ['verified=true', compare('verified', '=', true)],
  ['rentable != no', compare('rentable', '!=', false)],
  ['compute_cap >= 8.9', compare('compute_cap', '>=', [8, 9])],
  ['geolocation="de"', compare('geolocation', '=', 'de')],
])('%s is one comparison', (text, query) => expect(parseQuery(text)).toEqual(query))

test('a list goes with in and notin', () => {
  expect(parseQuery('geolocation in [DE,FR]')).toMatchObject({
    kind: 'in',
    negated: false,
    values: [{ value: 'de' }, { value: 'fr' }],
  })
  expect(parseQuery('geolocation notin [ "US" ]')).toMatchObject({ kind: 'in', negated: true })
  expect(parseQuery('num_gpus not in [1, 2]')).toMatchObject({ kind: 'in', negated: true })
})

test('an underscore is a space in a bare value and itself in a quoted one', () => {
  expect(parseQuery('asset=a_b')).toMatchObject({ value: { value: 'a b' } })
  expect(parseQuery('asset="a_b"')).toMatchObject({ value: { value: 'a_b' } })
})

test('or binds loosest, juxtaposition is and, parentheses rule', () => {
  expect(parseQuery('num_gpus=1 dph<3 or verified=true')).toMatchObject({
    kind: 'or',
    parts: [{ kind: 'and', parts: [{}, {}] }, { kind: 'compare' }],
  })
  expect(parseQuery('num_gpus=1 (dph<3 or verified=true)')).toMatchObject({
    kind: 'and',
    parts: [{ kind: 'compare' }, { kind: 'or' }],
  })
  expect(parseQuery('num_gpus=1 AND dph<3')).toEqual(parseQuery('num_gpus=1 dph<3'))
})

test('nothing asked is everything', () => expect(parseQuery('  ')).toBe(EVERYTHING))
test('field=any is a condition of its own', () =>
  expect(parseQuery('rentable=any')).toMatchObject({ kind: 'any', field: { name: 'rentable' } }))

test.each([
  ['gpu_rm>=80', 'unknown field "gpu_rm": did you mean gpu_ram?', 1],
  ['dph<3 relibility>0.9', 'unknown field "relibility": did you mean reliability?', 7],
  ['num_gpus=many', 'num_gpus takes a number', 10],
  ['dph<cheap', 'dph takes a price', 5],
  ['dph<1e3', 'dph takes a price', 5],
  ['verified=maybe', 'verified takes true or false', 10],
  ['verified>true', 'verified has no order', 9],
  ['gpu_name<H100', 'gpu_name has no order', 9],
  ['num_gpus', 'after num_gpus an operator', 9],
  ['num_gpus=', 'num_gpus needs a number', 10],
  ['(num_gpus=1', 'a parenthesis that is never closed', 12],
  ['num_gpus=1)', '")" has no place here', 11],
  ['geolocation in DE', 'a list such as [DE,FR]', 16],
  ['geolocation in [DE', 'a list ends with ]', 19],
  ['geolocation not [DE]', '`not` is written `not in`', 17],
  ['geolocation=[DE]', 'a list goes with `in`', 13],
  ['geolocation="DE', 'a quotation mark that is never closed', 13],
  ['=3', 'a field is missing before "="', 1],
  ['num_gpus=1 and', 'a field is missing before the end', 15],
  ['or', 'unknown field "or"', 1],
  ['num_gpus ! 3', '"!" has no place here', 10],
  ['gpu_name=""', 'gpu_name takes text', 10],
])('%s is refused with its place', (text, message, position) => {
  let thrown: unknown
  try {
    parseQuery(text)
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(NodeError)
  const error = thrown as NodeError
  expect(error.code).toBe('BAD_CONFIG_QUERY')
  expect(error.message).toContain(message)
  expect(error.message).toContain(`(at character ${position})`)
  expect(error.next).toBeTruthy()
})

test('a query that the shell cut at > is told to be quoted', () =>
  expect(() => parseQuery('gpu_name=H100 num_gpus')).toThrow(
    expect.objectContaining({ next: expect.stringContaining('quote the whole query') }),
  ))

test('depth, length and list sizes are bounded', () => {
  expect(() => parseQuery(`${'('.repeat(40)}dph<1${')'.repeat(40)}`)).toThrow(/nested deeper/)
  expect(() => parseQuery('x'.repeat(5000))).toThrow(/at most 4096/)
  expect(() => parseQuery(`num_gpus in [${Array(300).fill(1).join(',')}]`)).toThrow(/at most 256/)
})

test('every field has a meaning, and every number a unit unless it counts things', () => {
  expect(new Set(FIELDS.map((f) => f.name)).size).toBe(FIELDS.length)
  for (const field of FIELDS) expect(field.meaning.length, field.name).toBeGreaterThan(3)
})
