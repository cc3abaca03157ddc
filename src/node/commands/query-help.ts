import { FIELDS } from '../../query/fields.ts'

/** The query language in sentences. */
export const queryLanguage: readonly string[] = [
  'A QUERY is made of comparisons: FIELD OPERATOR VALUE, side by side or joined by `and` and `or`, with brackets.',
  'Operators: = != > >= < <= (or eq ne gt gte lt lte, which shells leave alone), `in [A,B]`, `not in [A,B]`.',
  'A _ in a value stands for a space, quotes keep a value as it is, FIELD=any lifts a default (rentable=true).',
  'Unknown fields and values of the wrong type are errors. -o orders: `-o dph,-score` is cheapest first, then best.',
]

/** The query language for help: what can be said, and about which fields. */
export function queryHelp(): string[] {
  const width = Math.max(...FIELDS.map(({ name }) => name.length))
  const rows = FIELDS.map(({ name, unit, meaning }) => {
    return `  ${name.padEnd(width)}  ${meaning}${unit === undefined ? '' : ` (${unit})`}`
  })
  return ['Queries:', ...queryLanguage.map((line) => `  ${line}`), '', 'Fields:', ...rows, '']
}

/** The same for docs/cli.md. */
export const queryPage = (): string[] => [
  '## Queries',
  '',
  ...queryLanguage.map((line) => `- ${line}`),
  '',
  '| field | type | unit | what |',
  '|---|---|---|---|',
  ...FIELDS.map(
    ({ name, type, unit, meaning }) => `| \`${name}\` | ${type} | ${unit ?? ''} | ${meaning} |`,
  ),
  '',
]
