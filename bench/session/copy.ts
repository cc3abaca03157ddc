import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '../../src/units.ts'
import { median } from '../support/bench.ts'
import { bareStream, rate } from './bare-stream.ts'
import type { SessionFigure } from './figure.ts'

const ROUNDS = 5
const BYTES = 256 * MiB
const SMALL_FILES = 2000

/**
 * A large file through `compute-node cp`, into the lease and out of it, against a bare libp2p stream between two
 * processes: turn by turn, so that other load falls on all. The command's own start is left out. And many small files.
 */
export const copy: SessionFigure = {
  targets: { cpRatio: { atLeast: 0.5 } },
  async measure({ leaseId, renterDir, progress }) {
    await using stack = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'cn-bench-copy-'))
    stack.defer(() => rm(folder, { recursive: true, force: true }))
    const bare = stack.use(await bareStream(BYTES))
    const large = join(folder, 'large')
    await writeFile(large, randomBytes(BYTES))
    const small = join(folder, 'small')
    await makeSmall(small)
    const [into, out, raw]: [number[], number[], number[]] = [[], [], []]
    for (let round = -1; round < ROUNDS; round++) {
      const there = `${leaseId}:/large-${round}`
      const rates = [
        await cpMBps(renterDir, large, there),
        await cpMBps(renterDir, there, join(folder, `back-${round}`)),
        await rate(bare.read(), BYTES),
      ] as const
      if (round < 0) continue
      into.push(rates[0])
      out.push(rates[1])
      raw.push(rates[2])
    }
    const ratio = (rates: number[]): number => median(rates.map((value, i) => value / raw[i]!))
    const { ms } = await cp(renterDir, small, `${leaseId}:/small`)
    const { ms: backMs } = await cp(renterDir, `${leaseId}:/small`, join(folder, 'small-back'))
    progress(
      `cp passes ${ratio(into).toFixed(2)} of a bare stream in, ${ratio(out).toFixed(2)} out`,
    )
    return {
      figures: {
        cpRatio: Math.min(ratio(into), ratio(out)),
        cpInMBps: median(into),
        cpOutMBps: median(out),
        cpSmallFilesInMs: ms,
        cpSmallFilesOutMs: backMs,
      },
      yardstick: { rawStreamMBps: median(raw) },
    }
  },
}

async function makeSmall(folder: string): Promise<void> {
  await mkdir(folder)
  for (let i = 0; i < SMALL_FILES; i++) await writeFile(join(folder, `file-${i}`), `content ${i}\n`)
}

async function cp(
  dataDir: string,
  from: string,
  to: string,
): Promise<{ bytes: number; ms: number }> {
  const program = `${import.meta.dirname}/../../bin/compute-node.js`
  const args = [program, 'cp', from, to, '--json', '--data-dir', dataDir]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as { bytes: number; ms: number }
}

async function cpMBps(dataDir: string, from: string, to: string): Promise<number> {
  const { bytes, ms } = await cp(dataDir, from, to)
  return bytes / 1e3 / ms
}
