import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Command } from '../../src/node/commands/command.ts'
import { commands } from '../../src/node/commands/command-table.ts'
import type { Option } from '../../src/node/options/option.ts'
import { optionTable } from '../../src/node/options.ts'
import { outputSchemas } from '../../src/node/output-schemas.ts'
import type { Outputs } from '../../src/node/outputs/output.ts'

const node = join(import.meta.dirname, '../../src/node')

/** Every group in a folder: what its files export under a name that ends so. */
async function groups<T>(folder: string, ending: string): Promise<[name: string, group: T][]> {
  const files = globSync('*.ts', { cwd: join(node, folder) })
  const modules = await Promise.all(files.map((file) => import(join(node, folder, file))))
  const found = modules.flatMap((module: Record<string, unknown>) => Object.entries(module))
  return found.filter(([name]) => name.endsWith(ending)) as [string, T][]
}

/** Rows of groups that a table lacks, or has from elsewhere: of two rows of one name only the last one counts. */
const lost = <T>(
  all: readonly [string, Readonly<Record<string, T>>][],
  has: (name: string, row: T) => boolean,
): string[] =>
  all.flatMap(([group, rows]) =>
    Object.entries(rows)
      .filter(([name, row]) => !has(name, row))
      .map(([name]) => `${group}: ${name}`),
  )

test('the option table has every row of every group', async () => {
  const found = await groups<Readonly<Record<string, Option<unknown>>>>('options', 'Options')
  const table = new Map<string, Option<unknown>>(optionTable)
  expect(found.length).toBeGreaterThan(4)
  expect(lost(found, (key, option) => table.get(key) === option)).toEqual([])
})

test('the output schemas have every row of every group', async () => {
  const found = await groups<Outputs>('outputs', 'Outputs')
  expect(found.length).toBeGreaterThan(4)
  expect(lost(found, (form, output) => outputSchemas[form] === output)).toEqual([])
})

test('the command table has every row of every group, each name once', async () => {
  const found = await groups<readonly Command[]>('commands/table', 'Commands')
  expect(found.length).toBeGreaterThan(4)
  const rows = found.map(([name, group]): [string, Readonly<Record<string, Command>>] => [
    name,
    Object.fromEntries(group.map((command) => [command.name, command])),
  ])
  expect(lost(rows, (_, command) => commands.includes(command))).toEqual([])
  expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length)
})
