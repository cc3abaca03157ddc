import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '../../src/units.ts'
import { median } from '../support/bench.ts'
import { startDropbear } from '../support/dropbear.ts'
import type { SessionBench, SessionFigure } from './figure.ts'

const ROUNDS = 3
const BYTES = 128 * MiB
const run = promisify(execFile)

/**
 * A file there and back with this machine's scp(1), through `ssh-config` of a lease, against the same to an SSH server
 * in a container of its own, start and end of the programs included: turn by turn, so that other load falls on both.
 */
export const scp: SessionFigure = {
  targets: { scpRatio: { atLeast: 0.35 } },
  async measure(bench) {
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'cn-bench-scp-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const file = join(folder, 'file')
    await writeFile(file, randomBytes(BYTES))
    const ours = await configOf(bench, folder)
    const plain = await plainConfig(stack, folder)
    const [to, from, plainTo, plainFrom]: number[][] = [[], [], [], []]
    for (let round = -1; round < ROUNDS; round++) {
      const [a, b] = [await copies(ours, file), await copies(plain, file)]
      if (round < 0) continue
      to!.push(a.toMs)
      from!.push(a.fromMs)
      plainTo!.push(b.toMs)
      plainFrom!.push(b.fromMs)
    }
    const ratio = median(to!.map((_, i) => (plainTo![i]! + plainFrom![i]!) / (to![i]! + from![i]!)))
    bench.progress(`scp is ${ratio.toFixed(2)} as fast as to an SSH server in a container`)
    return {
      figures: { scpRatio: ratio, scpToMBps: rate(to!), scpFromMBps: rate(from!) },
      yardstick: { dropbearToMBps: rate(plainTo!), dropbearFromMBps: rate(plainFrom!) },
    }
  },
}

interface Target {
  readonly config: string
  readonly host: string
}

async function copies({ config, host }: Target, file: string) {
  const scp = async (source: string, target: string): Promise<number> => {
    const startMs = performance.now()
    await run('scp', ['-q', '-F', config, '-o', 'BatchMode=yes', source, target])
    return performance.now() - startMs
  }
  const toMs = await scp(file, `${host}:/tmp/copy`)
  return { toMs, fromMs: await scp(`${host}:/tmp/copy`, `${file}-back`) }
}

/** MB per second of the middle round. */
const rate = (ms: readonly number[]): number => BYTES / 1e3 / median(ms)

async function configOf({ leaseId, renterDir }: SessionBench, folder: string): Promise<Target> {
  const program = `${import.meta.dirname}/../../bin/compute-node.js`
  const words = [program, 'ssh-config', leaseId, '--data-dir', renterDir]
  const { stdout } = await run(process.execPath, words)
  const config = join(folder, 'ours')
  await writeFile(config, stdout)
  return { config, host: `cn-${leaseId.slice(0, 12)}` }
}

async function plainConfig(stack: AsyncDisposableStack, folder: string): Promise<Target> {
  const key = join(folder, 'key')
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const address = await startDropbear(stack, await readFile(`${key}.pub`, 'utf8'))
  const config = join(folder, 'plain')
  const options = [
    `HostName ${address}`,
    ...['User root', `IdentityFile ${key}`, 'StrictHostKeyChecking no'],
    ...['UserKnownHostsFile /dev/null', 'LogLevel ERROR'],
  ]
  await writeFile(config, `Host plain\n${options.map((option) => `  ${option}\n`).join('')}`)
  return { config, host: 'plain' }
}
