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

/**
 * The one way out of the console: its worker that checks transcripts is the verifier of the command line, bundled. What that
 * is made of runs in a page and knows nothing of Node (the test below; src/console/tsconfig.json has no types of it).
 */
const VERIFIER_IN_PAGE = {
  from: 'console/recheck/recheck-worker.ts',
  to: 'node/verify-transcript.ts',
}

function strays(sources: Sources): string[] {
  return [...sources].flatMap(([from, text]) =>
    importsOf(from, text)
      .filter((to) => from !== VERIFIER_IN_PAGE.from || to !== VERIFIER_IN_PAGE.to)
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

/** All that a file is made of, by its imports that are not of types alone. */
function madeOf(entry: string, sources: Sources): readonly string[] {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file)) return
    found.add(file)
    const text = (sources.get(file) ?? '').replace(/import type [^;]*? from '[^']+'/g, '')
    for (const to of importsOf(file, text)) visit(to)
  }
  visit(entry)
  return [...found]
}

test('what checks transcripts in a page imports nothing of Node', () => {
  const sources = readSources()
  const files = madeOf(VERIFIER_IN_PAGE.from, sources)
  expect(files).toContain('gpu/check-transcript.ts')
  const ofNode = (file: string): boolean =>
    /from '(node:|fastify|pino|libp2p)|\bBuffer\.|\brequire\(/.test(
      (sources.get(file) ?? '').replace(/nodeBuffer\.|\/\*[\s\S]*?\*\//g, ''),
    )
  expect(files.filter(ofNode)).toEqual([])
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

test.each([
  ['console/market/evidence.tsx', '../../node/verify-transcript.ts'],
  ['console/recheck/recheck-worker.ts', '../../node/node.ts'],
])('%s may not import %s', (from, to) => {
  expect(strays(new Map([[from, `import { a } from '${to}'`]]))).toHaveLength(1)
})

test('a planted cycle is caught', () => {
  const planted = new Map([
    ['gpu/a.ts', `import './b.ts'`],
    ['gpu/b.ts', `import { a } from './a.ts'`],
  ])
  expect(cycles(planted)).toHaveLength(1)
})
