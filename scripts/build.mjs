// Compiles src/ to dist/, which is what the published package runs (type stripping is refused under node_modules), and
// builds the console to dist/console.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildConsole, isConsoleStale } from './build-console.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))

const dist = join(root, 'dist')
if (existsSync(dist)) {
  for (const name of readdirSync(dist)) {
    // A node of this checkout may be serving the console meanwhile.
    if (name !== 'console') rmSync(join(dist, name), { recursive: true, force: true })
  }
}
const { status, error } = spawnSync(
  process.execPath,
  [join(typescript, 'bin/tsc'), '-p', join(root, 'tsconfig.build.json')],
  { cwd: root, stdio: ['ignore', process.stderr, process.stderr] },
)
if (status !== 0) {
  process.stderr.write(`build: tsc failed${error === undefined ? '' : `: ${error.message}`}\n`)
  process.exit(1)
}
// Pages, kernels and other files that are not TypeScript travel as they are; the console is made by its own tool.
const consoleFolder = join(root, 'src/console')
for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || entry.name.endsWith('.ts')) continue
  const from = join(entry.parentPath, entry.name)
  if (from.startsWith(consoleFolder + sep)) continue
  cpSync(from, join(dist, from.slice(join(root, 'src').length)))
}
if (isConsoleStale()) await buildConsole()
