import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect, test } from 'vitest'

const src = join(import.meta.dirname, '../src')

type Sources = ReadonlyMap<string, string>
const readSources = (): Sources =>
  new Map(
    globSync('**/*.{ts,tsx}', { cwd: src }).map((f) => [f, readFileSync(join(src, f), 'utf8')]),
  )

/** Every relative import of a file: static, re-export, dynamic and side-effect, in any quotes. */
function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*['"`](\.[^'"`]+)['"`]/g)
  return [...found].map((m) => relative(src, join(src, dirname(file), m[1]!)))
}

const room = (file: string): string => (file.includes('/') ? file.split('/')[0]! : '(root)')

/** Leaves know nothing of each other; only node brings them together (DESIGN.md, "The house"). */
const mayImport: Record<string, readonly string[]> = {
  '(root)': [],
  protocols: ['(root)'],
  gpu: ['(root)'],
  containers: ['(root)'],
  chain: ['(root)'],
  api: ['(root)'],
  client: ['(root)', 'api'],
  query: ['(root)'],
  node: ['(root)', 'protocols', 'gpu', 'containers', 'chain', 'api', 'client', 'query'],
  console: ['api', 'client', 'query'],
}

function strays(sources: Sources): string[] {
  return [...sources].flatMap(([from, text]) =>
    importsOf(from, text)
      .filter((to) => room(to) !== room(from) && !(mayImport[room(from)] ?? []).includes(room(to)))
      .map((to) => `${from} -> ${to}`),
  )
}

function cycles(sources: Sources): string[] {
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      return
    }
    if (done.has(file)) return
    for (const to of importsOf(file, sources.get(file) ?? '')) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of sources.keys()) visit(file, [])
  return found
}

test('rooms import only what the architecture allows', () => {
  expect(strays(readSources())).toEqual([])
})

test('there are no import cycles', () => {
  expect(cycles(readSources())).toEqual([])
})

test.each([
  ['static', `import { a } from '../gpu/b.ts'`],
  ['double quotes', `import { a } from "../gpu/b.ts"`],
  ['dynamic', 'const a = await import(`../gpu/b.ts`)'],
  ['side effect', `import '../gpu/b.ts'`],
  ['re-export', `export * from '../gpu/b.ts'`],
])('a planted %s import across rooms is caught', (_, text) => {
  expect(strays(new Map([['chain/a.ts', text]]))).toEqual(['chain/a.ts -> gpu/b.ts'])
})

test('a planted cycle is caught', () => {
  const planted = new Map([
    ['gpu/a.ts', `import './b.ts'`],
    ['gpu/b.ts', `import { a } from './a.ts'`],
  ])
  expect(cycles(planted)).toHaveLength(1)
})
