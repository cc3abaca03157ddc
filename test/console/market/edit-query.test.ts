import { expect, test } from 'vitest'
import {
  conditionsOf,
  oneOf,
  quoted,
  valuesAt,
  withCondition,
} from '../../../src/console/market/edit-query.ts'
import { parseQuery } from '../../../src/query/parse.ts'

const model = { field: 'gpu_name', operators: ['=', 'in'] } as const
const memory = { field: 'gpu_ram', operators: ['>=', '>'] } as const

test('comparisons are found with their place, however they are written', () => {
  const text = 'gpu_name in [H100, "RTX 4090"] and gpu_ram gte 24 dph<3 geolocation not in [US]'
  const found = conditionsOf(text)!
  expect(found.map(({ field, operator, values }) => [field, operator, values])).toEqual([
    ['gpu_name', 'in', ['H100', 'RTX 4090']],
    ['gpu_ram', '>=', ['24']],
    ['dph', '<', ['3']],
    ['geolocation', 'not in', ['US']],
  ])
  expect(found.map(({ from, to }) => text.slice(from, to))).toEqual([
    'gpu_name in [H100, "RTX 4090"]',
    'gpu_ram gte 24',
    'dph<3',
    'geolocation not in [US]',
  ])
})

test.each(['dph<3 or dph>5', 'gpu_nam=H100', 'dph<'])('parts of `%s` are left alone', (text) => {
  expect(conditionsOf(text)).toBeUndefined()
})

test.each([
  ['', 'gpu_ram>=24', 'gpu_ram>=24'],
  ['gpu_ram>=80', 'gpu_ram>=24', 'gpu_ram>=24'],
  ['gpu_ram>=80', undefined, ''],
  ['dph<3 and gpu_ram>=80 and num_gpus=2', undefined, 'dph<3 and num_gpus=2'],
  ['gpu_ram>=80 and num_gpus=2', 'gpu_ram>=24', 'num_gpus=2 gpu_ram>=24'],
  ['dph<3 or verified=true', 'gpu_ram>=24', '(dph<3 or verified=true) gpu_ram>=24'],
  ['dph<3 or verified=true', undefined, 'dph<3 or verified=true'],
  ['(gpu_ram>=80 or dph<1) verified=true', undefined, '(gpu_ram>=80 or dph<1) verified=true'],
])('`%s` with %s is `%s`', (before, condition, after) => {
  const changed = withCondition(before, memory, condition)
  expect(changed).toBe(after)
  parseQuery(changed)
})

test('a query that cannot be read keeps what was typed', () => {
  expect(withCondition('gpu_nam=H1', memory, 'gpu_ram>=24')).toBe('gpu_nam=H1 gpu_ram>=24')
})

test('values go into a query and come back', () => {
  const values = ['RTX 4090', 'H100', 'a_b', 'it"s', 'x=y']
  const text = withCondition('dph<3', model, oneOf('gpu_name', values))
  expect(valuesAt(text, model)).toEqual(values)
  expect(valuesAt(withCondition(text, model, oneOf('gpu_name', ['H100'])), model)).toEqual(['H100'])
  expect(quoted('H100')).toBe('H100')
})
