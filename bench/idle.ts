import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NodeError } from '../src/errors.ts'
import { loadConfig } from '../src/node/config.ts'
import { startChild } from '../src/node/devnet/child.ts'
import { devnetLayout } from '../src/node/devnet/layout.ts'
import { type Market, startMarket } from '../src/node/devnet/market.ts'
import { createLog } from '../src/node/log-to-stderr.ts'
import { KiB, MiB, secondsMs } from '../src/units.ts'
import { type Bench, type Figures, median } from './support/bench.ts'

const TURNS = 7
const IDLE_S = 60
const SAMPLES = 5
const entry = join(import.meta.dirname, '../bin/compute-node.js')
const { signal } = new AbortController()

export const bench: Bench = {
  name: 'idle',
  measures:
    'memory of a relay and of a registered validator with its chain after a minute without work; times to start, beside bare Node',
  targets: {
    relayRssMiB: { atMost: 180 },
    validatorRssMiB: { atMost: 420 },
    readyMs: { atMost: 1500 },
    helpMs: { atMost: 300 },
  },
  async run(progress) {
    await using stack = new AsyncDisposableStack()
    const root = await mkdtemp(join(tmpdir(), 'cn-bench-idle-'))
    stack.defer(() => rm(root, { recursive: true, force: true }))
    const times = await timeStarts(root, progress)
    const { figures, bareNodeRssMiB } = await idleMemory(join(root, 'market'), progress)
    return {
      figures: { ...figures, readyMs: median(times.ready), helpMs: median(times.help) },
      yardstick: { bareNodeRssMiB, bareNodeMs: median(times.bareNode) },
    }
  },
}

/** Turn by turn, so that whatever else this machine does falls on all alike; the first warms caches up. */
async function timeStarts(root: string, progress: (line: string) => void) {
  const times = { bareNode: [] as number[], help: [] as number[], ready: [] as number[] }
  for (let turn = 0; turn <= TURNS; turn++) {
    const bareNode = await timeExit(['-e', '0'])
    const help = await timeExit([entry, '--help'])
    const ready = await timeReady(join(root, `ready-${turn}`))
    progress(`${turn}/${TURNS}: help ${help.toFixed(0)} ms, ready ${ready.toFixed(0)} ms`)
    if (turn === 0) continue
    times.bareNode.push(bareNode)
    times.help.push(help)
    times.ready.push(ready)
  }
  return times
}

/** From starting Node with `args` to its end, ms. */
async function timeExit(args: readonly string[]): Promise<number> {
  const startMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new NodeError('FAILED', `node ${args.join(' ')} ended with ${code}`)
  return performance.now() - startMs
}

/** From starting a node in a fresh folder to its `ready` line: it listens, and its control API answers. */
async function timeReady(dataDir: string): Promise<number> {
  const network = ['--network', 'local', '--genesis', 'ab'.repeat(32)]
  const args = ['--role', 'relay', ...network, '--listen', '/ip4/127.0.0.1/tcp/0']
  const startMs = performance.now()
  const child = await startChild({
    name: 'relay',
    args: [...args, '--data-dir', dataDir, '--json'],
    dataDir,
    env: process.env,
    signal,
  })
  const tookMs = performance.now() - startMs
  await child.stop()
  return tookMs
}

/** A market without miners: nothing to prove, nothing to rent. */
async function idleMemory(
  root: string,
  progress: (line: string) => void,
): Promise<{ figures: Figures; bareNodeRssMiB: number }> {
  await using stack = new AsyncDisposableStack()
  const market = await startMarket(
    {
      layout: devnetLayout(root, 0, 1),
      config: loadConfig({ flags: new Map(), env: {} }),
      env: process.env,
      log: createLog({ level: 'warn', json: false }),
      signal,
      onStep: progress,
      onReady: () => undefined,
      onNode: () => undefined,
    },
    stack,
  )
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  stack.defer(() => void bare.kill())
  progress(`waiting ${IDLE_S} s`)
  await delay(secondsMs(IDLE_S))
  const figures = {
    relayRssMiB: await medianRssMiB(pidOf(market, 'relay')),
    validatorRssMiB: await medianRssMiB(pidOf(market, 'validator-1')),
  }
  return { figures, bareNodeRssMiB: await medianRssMiB(bare.pid!) }
}

const pidOf = ({ nodes }: Market, name: string): number =>
  nodes.find(({ member }) => member.name === name)!.pid

async function medianRssMiB(pid: number): Promise<number> {
  const samples: number[] = []
  while (samples.length < SAMPLES) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    samples.push((Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * KiB) / MiB)
    await delay(secondsMs(1))
  }
  return median(samples)
}
