import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { renderCliPage } from '../scripts/cli-page.ts'
import { renderLogsPage } from '../scripts/logs-page.ts'
import { renderManPage } from '../scripts/man-page.ts'
import { renderMetricsPage } from '../scripts/metrics-page.ts'
import { openApiOf } from '../src/api/open-api.ts'
import { apiRoutes } from '../src/api/table.ts'
import { parseCommandLine } from '../src/node/command-line.ts'
import { runNodeCommand } from '../src/node/commands/command-table.ts'
import { takesOption } from '../src/node/commands/takes-option.ts'
import { loadConfig } from '../src/node/config.ts'
import { allCommands, findCommand } from '../src/node/help.ts'
import { outputSchemas, plainCommands } from '../src/node/output-schemas.ts'
import { packageVersion } from '../src/node/package-version.ts'
import { requireOrSkip } from './support/skips.ts'

const root = join(import.meta.dirname, '..')

test('docs/cli.md is what the tables say (npm run docs writes it)', () => {
  expect(readFileSync(join(root, 'docs/cli.md'), 'utf8')).toBe(renderCliPage())
})

test('docs/logs.md is what the tables of log lines and events say (npm run docs writes it)', () => {
  expect(readFileSync(join(root, 'docs/logs.md'), 'utf8')).toBe(renderLogsPage())
})

test('docs/metrics.md is what the table of metrics says (npm run docs writes it)', () => {
  expect(readFileSync(join(root, 'docs/metrics.md'), 'utf8')).toBe(renderMetricsPage())
})

test('docs/compute-node.1 is what the tables say (npm run docs writes it)', () => {
  expect(readFileSync(join(root, 'docs/compute-node.1'), 'utf8')).toBe(renderManPage())
})

const groff = (...args: string[]) => spawnSync('groff', args, { cwd: root })
const canFormat = requireOrSkip(groff('--version').error === undefined, 'groff')

test.skipIf(!canFormat)('the man page is formatted without a warning, examples as typed', () => {
  const { stdout, stderr } = groff('-man', '-ww', '-k', '-Tutf8', 'docs/compute-node.1')
  expect(String(stderr)).toBe('')
  expect(String(stdout)).toContain('compute-node --role miner --price 1.25')
})

test('every command has an example', () => {
  expect(allCommands.filter(({ examples = [] }) => examples.length === 0)).toEqual([])
})

test('docs/openapi.json is what the table of routes says (npm run docs writes it)', () => {
  const written = JSON.parse(readFileSync(join(root, 'docs/openapi.json'), 'utf8'))
  const made = openApiOf(apiRoutes, packageVersion())
  expect(written).toEqual(JSON.parse(JSON.stringify(made)))
  // A named part that only refers, to itself say, describes nothing.
  const shapes = Object.entries(made.components.schemas as Record<string, object>)
  expect(shapes.filter(([, shape]) => '$ref' in shape).map(([name]) => name)).toEqual([])
  const refs = JSON.stringify(made).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)
  const missing = [...refs]
    .map(([, name]) => name!)
    .filter((name) => !(name in made.components.schemas))
  expect(missing).toEqual([])
})

test('every command has a schema for its --json, or prints no document', () => {
  const forms = Object.keys(outputSchemas) // a form is a command, or one with an argument: `score PEER`
  const shaped = forms.map((form) => findCommand(form.split(' '))?.command.name ?? form)
  const named = new Set([...shaped, ...plainCommands])
  expect([...named].toSorted()).toEqual(allCommands.map(({ name }) => name).toSorted())
})

const examples = allCommands
  .flatMap(({ examples = [] }) => examples.map(([text]) => text))
  .filter((text) => text.startsWith('compute-node '))

test.each(examples)('the example `%s` is a command line that would run', (text) => {
  // enough of a shell for examples: quotes around words with spaces
  const argv = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3]!)
  const end = argv.findIndex((word) => ['<', '>', '|'].includes(word))
  if (end >= 0) argv.length = end
  const line = parseCommandLine(argv.slice(1))
  const { command, args } = findCommand(line.words) ?? { command: runNodeCommand, args: line.words }
  const [least, most] = command.args ?? [0, 0]
  expect(args.length).toBeGreaterThanOrEqual(least)
  expect(args.length).toBeLessThanOrEqual(most)
  expect([...line.flags.keys()].filter((key) => !takesOption(command, key))).toEqual([])
  expect(line.rest === undefined || command.takesRest === true).toBe(true)
  loadConfig({ flags: line.flags })
})
