import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'

const bench = join(import.meta.dirname, '../bench')
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(bench, 'run.ts'), ...args], { encoding: 'utf8' })

test('the list names every benchmark, what it measures and its targets', () => {
  const { status, stdout } = run()
  expect(status).toBe(0)
  const files = globSync('*.ts', { cwd: bench }).map((file) => basename(file, '.ts'))
  for (const name of files.filter((file) => file !== 'run')) {
    expect(stdout).toMatch(new RegExp(`^${name} +\\S+ .+\\n( +\\w+ [<>]= [\\d.]+\\n)+`, 'm'))
  }
})

test('an unknown name is answered with those there are', () => {
  const { status, stderr } = run('nothing')
  expect(status).toBe(2)
  expect(stderr).toContain('stream')
})
