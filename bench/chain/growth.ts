import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { NodeError } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import { median } from '../support/bench.ts'
import type { FollowerMemory } from '../support/chain-follower.ts'
import type { ChainFigure } from './figure.ts'

const BLOCK_MS = 20
const NEURONS = 32
/** Caches of @polkadot/api and the collector's own spaces fill first. */
const WARM_BLOCKS = 2000
const BLOCKS = 6000

/** What an adapter in a process of its own grows by while it follows heads and reads the subnet at each. */
export const growth: ChainFigure = {
  targets: { growthMiBPer10kBlocks: { atMost: 1 } },
  async measure(progress) {
    await using stack = new AsyncDisposableStack()
    const life = new AbortController()
    stack.defer(() => life.abort())
    const dataDir = await mkdtemp(join(tmpdir(), 'cn-bench-growth-'))
    stack.defer(() => rm(dataDir, { recursive: true }))
    const options = { dataDir, blockMs: BLOCK_MS, log: silent, signal: life.signal }
    const dev = stack.adopt(await startDevChain(options), (one) => one.close())
    await populate(dev.url, life.signal)
    const told = await watch(dev.url, progress)
    const warm = told.filter(({ blocks }) => blocks > WARM_BLOCKS)
    return {
      figures: { growthMiBPer10kBlocks: slopeOf(warm, 'rssMiB') * 10_000 },
      yardstick: {
        heapGrowthMiBPer10kBlocks: slopeOf(warm, 'heapMiB') * 10_000,
        followerRssMiB: median(warm.map(({ rssMiB }) => rssMiB)),
      },
    }
  },
}

/** Fills the subnet, so that a reading has something to hold. */
async function populate(url: string, signal: AbortSignal): Promise<void> {
  const chain = await connectChain(url, { log: silent, signal })
  const hotkeys = Array.from({ length: NEURONS }, (_, n) =>
    keyFromSeed('sr25519', new Uint8Array(32).fill(n + 1)),
  )
  await Promise.all(hotkeys.map(({ address }) => chain.register(1, DEV_ACCOUNT, address)))
  await Promise.all(hotkeys.map((key) => chain.setCommitment(1, key, new Uint8Array(73))))
  await chain.close()
}

async function watch(url: string, progress: (line: string) => void): Promise<FollowerMemory[]> {
  const script = join(import.meta.dirname, '../support/chain-follower.ts')
  const child = fork(script, [url], { execArgv: ['--expose-gc'] })
  const told: FollowerMemory[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('exit', (code) => reject(new NodeError('FAILED', `the follower ended with ${code}`)))
      child.on('message', (memory: FollowerMemory) => {
        told.push(memory)
        if (memory.blocks % 1000 === 0)
          progress(`${memory.blocks} blocks: ${memory.rssMiB.toFixed(1)} MiB`)
        if (memory.blocks >= WARM_BLOCKS + BLOCKS) resolve()
      })
    })
  } finally {
    child.kill('SIGKILL')
  }
  return told
}

/** MiB per block, by the median of all slopes between two reports (Theil and Sen): one page that comes or goes is no trend. */
function slopeOf(told: readonly FollowerMemory[], what: 'rssMiB' | 'heapMiB'): number {
  const slopes = told.flatMap((one, at) =>
    told.slice(at + 1).map((later) => (later[what] - one[what]) / (later.blocks - one.blocks)),
  )
  return median(slopes)
}
