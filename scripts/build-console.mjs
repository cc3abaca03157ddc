// Builds the console (src/console) to dist/console with Vite. Plain JavaScript, for set-up calls it on Node 20 too.
// `npm run build:console` always builds; set-up builds when the sources changed since (`isConsoleStale`).
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'dist/console/.stamp')
/** The rooms that browser code comes from (ARCHITECTURE.md), gpu and protocols for the verifier that runs in the page. */
const ROOMS = ['console', 'client', 'api', 'query', 'gpu', 'protocols']
/** What of it lies elsewhere. */
const FILES = ['node/verify-transcript.ts', 'node/transcript-signatures.ts']

/** Whether the sources are others than those that dist/console was made of. */
export function isConsoleStale() {
  return !existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp()
}

/**
 * Builds it anew; rejects with what Vite said.
 * @returns {Promise<void>}
 */
export async function buildConsole() {
  const made = stamp()
  const vite = createRequire(import.meta.url).resolve('vite/package.json')
  const config = join(root, 'vite.console.config.ts')
  const args = [
    join(dirname(vite), 'bin/vite.js'),
    'build',
    '--config',
    config,
    '--logLevel',
    'warn',
  ]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text))
  const code = await new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(`vite ended with ${code}: ${said.trim().slice(-2000)}`)
  writeFileSync(stampFile, made)
}

/** Names and contents of all sources, and the versions of what goes into the page with them. */
function stamp() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  const src = join(root, 'src')
  const inFolder = (folder, recursive) =>
    readdirSync(folder, { recursive, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  const files = [
    ...inFolder(src, false), // the vocabulary that all rooms share
    ...ROOMS.map((room) => join(src, room))
      .filter((folder) => existsSync(folder))
      .flatMap((folder) => inFolder(folder, true)),
    ...FILES.map((file) => join(src, file)),
  ]
  for (const file of files.sort()) hash.update(relative(root, file)).update(readFileSync(file))
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildConsole().catch((error) => {
    process.stderr.write(`build: the console: ${error.message}\n`)
    process.exit(1)
  })
}
