import { NodeError } from '../errors.ts'
import { nearest } from '../nearest.ts'

/** A row whose fields are compared: figures by size, decimal text too, all else by its text. */
type Row = Readonly<Record<string, unknown>>

const CONDITION = /^([A-Za-z]+)(=|!=|>=|<=|>|<)(.*)$/

/** The rows that meet every condition, such as `validatorPermit=true` or `stake>=1000`; BAD_CONFIG_USAGE for one that says nothing. */
export function filterRows<T extends object>(
  rows: readonly T[],
  conditions: readonly string[],
  fields: readonly (keyof T & string)[],
): T[] {
  const checks = conditions.map((written) => {
    const [, field, sign, value] = CONDITION.exec(written) ?? []
    if (field === undefined) {
      throw bad(`${written} is no condition`, 'write it as stake>=1000 or active=true, in quotes')
    }
    const name = known(field, fields)
    return (row: T) => holds(compare((row as Row)[name], value!), sign!)
  })
  return rows.filter((row) => checks.every((check) => check(row)))
}

/** Rows in the order of fields, `-` in front for the largest first; equal ones keep their place. */
export function orderRows<T extends object>(
  rows: readonly T[],
  order: string | undefined,
  fields: readonly (keyof T & string)[],
): T[] {
  const keys = (order ?? '').split(',').filter((key) => key !== '')
  const steps = keys.map((key) => {
    const down = key.startsWith('-')
    return { name: known(down ? key.slice(1) : key, fields), sign: down ? -1 : 1 }
  })
  return rows.toSorted((a, b) => {
    for (const { name, sign } of steps) {
      const difference = compare((a as Row)[name], (b as Row)[name])
      if (difference !== 0) return sign * difference
    }
    return 0
  })
}

function compare(a: unknown, b: unknown): number {
  const [x, y] = [figure(a), figure(b)]
  if (x !== undefined && y !== undefined) return x - y
  const [left, right] = [textOf(a), textOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

const textOf = (value: unknown): string => String(value ?? 'none')
const figure = (value: unknown): number | undefined =>
  /^-?\d+(\.\d+)?$/.test(textOf(value)) ? Number(value) : undefined

function holds(difference: number, sign: string): boolean {
  if (sign === '=') return difference === 0
  if (sign === '!=') return difference !== 0
  if (sign === '>=') return difference >= 0
  if (sign === '<=') return difference <= 0
  return sign === '>' ? difference > 0 : difference < 0
}

function known(field: string, fields: readonly string[]): string {
  const name = fields.find((one) => one.toLowerCase() === field.toLowerCase())
  if (name !== undefined) return name
  const near = nearest(field, fields)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  throw bad(`there is no field ${field}${hint}`, `fields are ${fields.join(', ')}`)
}

const bad = (message: string, next: string): NodeError =>
  new NodeError('BAD_CONFIG_USAGE', message, { next })
