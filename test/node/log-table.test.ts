import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventTable, type Level, logTable } from '../../src/node/log-table.ts'

const src = join(import.meta.dirname, '../../src')
const sources = globSync('**/*.ts', { cwd: src })
  .filter((file) => file !== join('node', 'log-table.ts'))
  .map((file) => ({ file, text: readFileSync(join(src, file), 'utf8') }))

const LITERAL = /^'([a-z0-9-]+)'$/
/** What may stand in a template: its variable parts as `*`. */
const shapeOf = (expression: string): string | undefined =>
  LITERAL.exec(expression)?.[1] ??
  (expression.startsWith('`') ? expression.slice(1, -1).replace(/\$\{[^}]*\}/g, '*') : undefined)

/** First arguments of calls, in words; what is a variable is left to the second test. */
function namesIn(pattern: RegExp): { name: string; level: string; file: string }[] {
  return sources.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].flatMap(([, level = '', argument = '']) => {
      const parts = argument.includes(' ? ') ? argument.split(/ [?:] /).slice(1) : [argument]
      return parts.flatMap((part) => {
        const name = shapeOf(part.trim())
        return name === undefined ? [] : [{ name, level, file }]
      })
    }),
  )
}

const logged = namesIn(/[lL]og\??\.(debug|info|warn|error)\(\s*([^,)]+)/g)
/** Named, or one of those whose middle is told by `*`; loops are the program's alone to name. */
const isListed = (name: string, table: Readonly<Record<string, string>>): boolean =>
  name in table || name.replace(/^stored-.+-unreadable$/, 'stored-*-unreadable') in table

const emitted = namesIn(/events\??\.(emit)\(\s*([^,)]+)/g).filter(({ file }) =>
  file.startsWith('node'),
)

test('every line of the log stands in the table, with its level', () => {
  expect(logged.length).toBeGreaterThan(100)
  const missing = logged.filter(({ name, level }) => !isListed(name, logTable[level as Level]))
  expect(missing).toEqual([])
})

test('every event stands in the table', () => {
  expect(emitted.length).toBeGreaterThan(50)
  const missing = emitted.filter(({ name }) => !(name in eventTable) && !name.includes('*'))
  expect(missing).toEqual([])
})

test('the table has no name that the program never says', () => {
  const literals = new Set(
    sources.flatMap(({ text }) => [...text.matchAll(/'([a-z0-9-]+)'/g)].map(([, name]) => name!)),
  )
  const shapes = [...logged, ...emitted].map(({ name }) => name)
  const patterns = shapes
    .filter((name) => name.includes('*') && name !== '*-failed')
    .map((name) => new RegExp(`^${name.replaceAll('*', '[a-z-]+')}$`))
  const isSaid = (name: string): boolean =>
    literals.has(name) || shapes.includes(name) || patterns.some((shape) => shape.test(name))
  const names = [...Object.values(logTable), eventTable].flatMap((names) => Object.keys(names))
  expect(names.filter((name) => !isSaid(name))).toEqual([])
})
