import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const checkout = join(import.meta.dirname, '../..')
const elsewhere = mkdtempSync(join(tmpdir(), 'cn-package-'))
const installed = join(elsewhere, 'node_modules/compute-node')

/** What `npm install compute-node-*.tgz` leaves, with the dependencies of this checkout instead of a registry's. */
beforeAll(() => {
  execFileSync('npm', ['pack', '--pack-destination', elsewhere], { cwd: checkout, stdio: 'pipe' })
  const archive = readdirSync(elsewhere).find((name) => name.endsWith('.tgz'))!
  mkdirSync(installed, { recursive: true })
  execFileSync('tar', ['-xzf', join(elsewhere, archive), '-C', installed, '--strip-components=1'])
  for (const name of readdirSync(join(checkout, 'node_modules'))) {
    if (name.startsWith('.')) continue
    symlinkSync(join(checkout, 'node_modules', name), join(elsewhere, 'node_modules', name))
  }
})
afterAll(() => rmSync(elsewhere, { recursive: true }))

const run = (node: string, ...args: string[]) =>
  spawnSync(node, [join(installed, 'bin/compute-node.js'), ...args], {
    cwd: elsewhere,
    encoding: 'utf8',
  })

const olderNodes = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path))
  .filter((path) => /^v2[0-3]\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })))

test('the package holds what it runs and no sources', () => {
  const files = readdirSync(installed)
  expect(files).toEqual(
    expect.arrayContaining([
      'LICENSE',
      'README.md',
      'bin',
      'config',
      'dist',
      'docs',
      'package.json',
    ]),
  )
  expect(files).not.toContain('src')
  expect(existsSync(join(installed, 'dist/gpu/cuda/kernels.ptx'))).toBe(true)
  expect(existsSync(join(installed, 'dist/console/index.html'))).toBe(true)
  expect(readdirSync(join(installed, 'dist/console'))).not.toContain('.stamp')
  expect(files).not.toContain('test')
})

test('installed elsewhere it shows help and version', () => {
  const help = run(process.execPath, '--help')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: compute-node')
  expect(run(process.execPath, '--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test('every command can be loaded from the package', () => {
  const table = join(installed, 'dist/node/commands/command-table.js')
  const script = `const { commands, runNodeCommand } = await import(${JSON.stringify(table)})
    for (const command of [runNodeCommand, ...commands]) await command.load()
    process.exit(0)`
  const loaded = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(loaded.stderr).toBe('')
  expect(loaded.status).toBe(0)
})

test.skipIf(olderNodes.length === 0)('installed elsewhere it also runs under an older Node', () => {
  const help = run(olderNodes[0]!, '--help')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: compute-node')
})
