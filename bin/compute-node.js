#!/usr/bin/env node
// The program's door, in plain JavaScript that any Node from 20 on can read. Node 24 is needed: with an older one it
// starts the Node that the npm package `node` brought, and stands aside.
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'

const NEEDED = 24
const here = fileURLToPath(import.meta.url)
const home = dirname(dirname(here))

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  keepSmall()
  keepCompiled()
  const entry = entryFile()
  const { main } = await import(pathToFileURL(entry).href)
  await main(process.argv.slice(2))
} else {
  await launch(newerNode())
}

/** A checkout runs its sources, so that they are never older than what runs; an installed package runs dist/. */
function entryFile() {
  const source = join(home, 'src/node/cli.ts')
  const built = join(home, 'dist/node/cli.js')
  const entry = existsSync(source) ? source : built
  if (existsSync(entry)) return entry
  return fail(`${home} holds neither src/ nor dist/`, 'npm install compute-node')
}

/**
 * Loading a thousand small modules makes much garbage, for which V8 would grow its young generation and keep it: some
 * 25 MiB for the rest of a relay's life, for a tenth of the processor time of starting (measured on Node 24.21). How
 * large it becomes later: src/node/young-generation.ts.
 */
function keepSmall() {
  setFlagsFromString('--semi-space-growth-factor=1')
}

/** Keeps compiled code beside the dependencies: every later start takes half the processor time. */
function keepCompiled() {
  const above = dirname(home)
  const modules = basename(above) === 'node_modules' ? above : join(home, 'node_modules')
  // Where nothing can be written, nothing is kept: that is no failure.
  module.enableCompileCache(join(modules, '.cache/compute-node'))
}

/** @returns {string} the path of a Node that is new enough */
function newerNode() {
  try {
    const manifest = createRequire(here).resolve('node/package.json')
    const binary = join(
      dirname(manifest),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    )
    if (existsSync(binary)) return binary
  } catch {
    // fails below, with the same advice
  }
  const set = existsSync(join(home, 'src'))
    ? `node ${join(home, 'scripts/setup.mjs')}`
    : 'npm rebuild node'
  return fail(
    `needs Node ${NEEDED} or newer, this is ${process.version}, and its own is not installed`,
    `${set}, or run it with a newer Node`,
  )
}

/** Runs the same command line with `binary`; signals go down, the exit code comes up. */
async function launch(binary) {
  const { spawn } = await import('node:child_process')
  const child = spawn(binary, [...process.execArgv, here, ...process.argv.slice(2)], {
    // The channel tells the child when this process is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGWINCH']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('error', (error) => fail(`cannot run ${binary}: ${error.message}`, 'npm rebuild node'))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @returns {never} */
function fail(message, next) {
  process.stderr.write(`compute-node: ${message}\n  next: ${next}\n`)
  process.exit(2)
}
