import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as sdk from '../../src/node/sdk/entry.ts'

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

test('installed elsewhere it can be imported: for Node, and for browsers', () => {
  const script = `import * as sdk from 'compute-node'
    import { connect } from 'compute-node/browser'
    const { code } = await sdk.connect({ dataDir: 'nothing' }).catch((error) => error)
    console.log(JSON.stringify({ names: Object.keys(sdk).sort(), code, browser: typeof connect }))`
  writeFileSync(join(elsewhere, 'program.mjs'), script)
  const ran = spawnSync(process.execPath, ['program.mjs'], { cwd: elsewhere, encoding: 'utf8' })
  expect(ran.stderr).toBe('')
  const names = Object.keys(sdk).toSorted()
  expect(JSON.parse(ran.stdout)).toEqual({ names, code: 'FAILED_NOT_RUNNING', browser: 'function' })
})

test('the types that it brings hold a program to what there is', () => {
  const program = `import { connect, isExit, type Lease } from 'compute-node'
    import { connect as inPage } from 'compute-node/browser'
    await using node = await connect({ dataDir: 'nothing', budget: '2.5' })
    const lease: Lease = await node.rent({ query: 'dph<1', hours: 1 })
    const { check } = await lease.receipts({ verify: true })
    const texts: string[] = [check.verdict, await lease.exec(['id']).text(), lease.view.dph]
    const numbers: number[] = [(await inPage().status()).peers, await lease.exec(['id']).exit]
    // @ts-expect-error there is no such option
    await node.rent({ hour: 1 })
    export { isExit, numbers, texts }`
  writeFileSync(join(elsewhere, 'program.mts'), program)
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
  const libs = ['--lib', 'es2024,esnext,dom,dom.iterable', '--types', 'node']
  const how = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', ...libs]
  const ran = spawnSync(process.execPath, [tsc, ...how, 'program.mts'], {
    cwd: elsewhere,
    encoding: 'utf8',
  })
  expect(ran.stdout).toBe('')
  expect(ran.status).toBe(0)
})

test.skipIf(olderNodes.length === 0)('installed elsewhere it also runs under an older Node', () => {
  const help = run(olderNodes[0]!, '--help')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(help.stdout).toContain('Usage: compute-node')
})
