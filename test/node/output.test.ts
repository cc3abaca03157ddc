import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createOutput, renderTable, toJson } from '../../src/node/output.ts'

interface Row {
  name: string
  price: bigint
}
const rows: Row[] = [
  { name: 'first', price: 7n },
  { name: 'a-much-longer-name', price: 1200n },
]
const view = {
  id: ({ name }: Row) => name,
  none: 'no rows',
  columns: [
    { title: 'NAME', value: ({ name }: Row) => name, shrinks: true },
    { title: 'PRICE', value: ({ price }: Row) => price, align: 'right' as const },
  ],
}

/** What a command would print, on a terminal or in a pipe. */
function printed(
  choices: { json?: boolean; quiet?: boolean; tty?: boolean },
  print: (output: ReturnType<typeof createOutput>) => void,
): { stdout: string; stderr: string } {
  const stream = () =>
    Object.assign(new PassThrough(), { isTTY: choices.tty === true, columns: 20 })
  const [stdin, stdout, stderr] = [stream(), stream(), stream()]
  const { json = false, quiet = false } = choices
  print(createOutput({ stdin, stdout, stderr }, { json, quiet, color: true }))
  return { stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

test('a list in a pipe: aligned, whole, without colours', () => {
  const { stdout } = printed({}, (output) => output.list(rows, view))
  expect(stdout).toBe(
    'NAME                PRICE\nfirst                   7\na-much-longer-name   1200\n',
  )
})

test('a list on a narrow terminal fits its width', () => {
  const lines = renderTable(rows, view.columns, { width: 16 })
  expect(lines).toEqual(['NAME       PRICE', 'first          7', 'a-much-l…   1200'])
})

test('a column that may not shrink keeps its ids whole', () => {
  const columns = [{ title: 'ID', value: ({ name }: Row) => name }]
  expect(renderTable(rows, columns, { width: 5 })[2]).toBe('a-much-longer-name')
})

test('text of a peer cannot steer the terminal', () => {
  const columns = [{ title: 'NAME', value: (text: string) => text }]
  expect(renderTable(['\u001b[2Jx\u202ey\n'], columns)[1]).toBe('?[2Jx?y?')
})

test('--json: one document with exact numbers and hex', () => {
  const { stdout } = printed({ json: true, tty: true }, (output) => output.list(rows, view))
  expect(JSON.parse(stdout)).toEqual({
    items: [
      { name: 'first', price: '7' },
      { name: 'a-much-longer-name', price: '1200' },
    ],
  })
  expect(toJson({ id: Uint8Array.of(0, 255) })).toBe('{"id":"00ff"}')
})

test('-q: ids only', () => {
  const { stdout } = printed({ quiet: true }, (output) => output.list(rows, view))
  expect(stdout).toBe('first\na-much-longer-name\n')
})

test('an empty list says so to people and is empty for programs', () => {
  expect(printed({}, (output) => output.list([], view)).stdout).toBe('no rows\n')
  expect(printed({ quiet: true }, (output) => output.list([], view)).stdout).toBe('')
  expect(printed({ json: true }, (output) => output.list([], view)).stdout).toBe('{"items":[]}\n')
})

test.each([
  ['a terminal', { tty: true }, 'working\n'],
  ['a pipe', {}, ''],
  ['--json', { tty: true, json: true }, ''],
  ['-q', { tty: true, quiet: true }, ''],
])('progress on %s', (_, choices, stderr) => {
  expect(printed(choices, (output) => output.progress('working')).stderr).toBe(stderr)
})
