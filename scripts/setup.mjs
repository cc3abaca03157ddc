// Makes a fresh checkout ready: runs `npm ci` when package-lock.json changed since the last set-up, and builds the console
// when its sources did. Plain JavaScript, for it runs before anything is installed, on Node 20 and newer. `npm start` and
// `npm test` call it first.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lockfile = join(root, 'package-lock.json')
const installed = join(root, 'node_modules')
const stampFile = join(installed, '.compute-node-setup')
const lockFolder = join(root, '.setup-lock')
const HEARTBEAT_MS = 10_000

const say = (text) => process.stderr.write(`setup: ${text}\n`)

if (!isDone()) await setUp()
if (existsSync(join(root, 'src/console'))) await buildConsole()

function isDone() {
  return readText(stampFile) === wanted() && existsSync(nodeBinary())
}

async function setUp() {
  await takeLock()
  try {
    if (isDone()) return // another set-up did it while this one waited
    if (!agrees()) await install()
    if (!existsSync(nodeBinary())) {
      stop('Node 24 did not come with the package "node"', 'npm rebuild node')
    }
    linkProgram()
    writeFileSync(stampFile, wanted())
  } finally {
    rmSync(lockFolder, { recursive: true, force: true })
  }
}

/** The web page is one of several ways to use a node: without it the others work, so a failure is told and no more. */
async function buildConsole() {
  const console = await import('./build-console.mjs')
  if (!console.isConsoleStale()) return
  await takeLock()
  try {
    if (!console.isConsoleStale()) return // another set-up did it while this one waited
    say('building the console')
    await console.buildConsole()
  } catch (error) {
    say(`the console could not be built, all else works without it: ${error.message}`)
    say('next: npm run build:console')
  } finally {
    rmSync(lockFolder, { recursive: true, force: true })
  }
}

/** What the stamp must hold: the hash of the lockfile. */
function wanted() {
  const text = readText(lockfile)
  if (text === undefined) stop(`${lockfile} is missing`, 'git checkout package-lock.json')
  return createHash('sha256').update(text).digest('hex')
}

function nodeBinary() {
  return join(installed, 'node/bin', process.platform === 'win32' ? 'node.exe' : 'node')
}

/** Whether npm already put in place what the lockfile says: then nothing needs to be fetched again. */
function agrees() {
  const hidden = readText(join(installed, '.package-lock.json'))
  if (hidden === undefined) return false
  const { packages: has } = JSON.parse(hidden)
  const { packages: wants } = JSON.parse(readText(lockfile))
  return Object.entries(wants).every(([path, { version, optional, link }]) => {
    if (path === '' || link) return true
    return has[path] === undefined ? optional === true : has[path].version === version
  })
}

async function install() {
  say('installing dependencies (npm ci); the first time this takes a minute or two')
  const began = Date.now()
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--foreground-scripts=false']
  const child = npm?.endsWith('.js')
    ? spawn(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    : spawn('npm', args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let tail = ''
  const keep = (chunk) => {
    tail = (tail + chunk).slice(-4000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const heartbeat = setInterval(() => say(`still installing, ${seconds(began)} s`), HEARTBEAT_MS)
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      keep(error.message)
      resolve(-1)
    })
    child.on('close', resolve)
  })
  clearInterval(heartbeat)
  if (code !== 0) {
    process.stderr.write(`${tail.trim()}\n`)
    stop(
      `npm ci failed (exit ${code}), its last words are above`,
      'check the network or the registry (npm config get registry), then run the same command again',
    )
  }
  say(`dependencies installed in ${seconds(began)} s`)
}

/** So that `npx compute-node` means this checkout: npm links the commands of dependencies only. */
function linkProgram() {
  if (process.platform === 'win32') return
  const link = join(installed, '.bin/compute-node')
  mkdirSync(dirname(link), { recursive: true })
  rmSync(link, { force: true })
  symlinkSync('../../bin/compute-node.js', link)
}

/** Two set-ups at once would delete each other's files: one works, the other waits. */
async function takeLock() {
  let told = 0
  for (;;) {
    try {
      mkdirSync(lockFolder)
      writeFileSync(join(lockFolder, 'pid'), String(process.pid))
      process.once('exit', () => rmSync(lockFolder, { recursive: true, force: true }))
      return
    } catch (error) {
      if (error.code !== 'EEXIST') stop(`cannot write ${root}: ${error.message}`, 'check its owner')
    }
    const pid = readText(join(lockFolder, 'pid'))
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(lockFolder, { recursive: true, force: true })
    if (Date.now() - told > HEARTBEAT_MS) {
      say(`waiting for another set-up (process ${pid ?? 'unknown'})`)
      told = Date.now()
    }
    await sleep(300)
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  }
}

function seconds(began) {
  return Math.round((Date.now() - began) / 1000)
}

/** @returns {never} */
function stop(message, next) {
  say(message)
  say(`next: ${next}`)
  process.exit(1)
}
