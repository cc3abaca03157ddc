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

const BLOCK_MS = 12
const NEURONS = 32
/**
 * Caches of @polkadot/api fill first, the young generation is let grow after 30 s (src/node/young-generation.ts) and the
 * old one shrinks to what is left; the collector's threads get memory of their own, which malloc keeps, at their first
 * work. That is over within these.
 */
const WARM_BLOCKS = 4000
const BLOCKS = 12_000

/**
 * What an adapter in a process of its own, with V8 bounded as in a node, grows by while it follows heads and reads the
 * subnet at each: the slope of its memory after collections, once it is warm. Beside it the same of parts of it, so that
 * it can be told what grows: objects, buffers, or (the rest) what malloc and V8 itself keep.
 */
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
      figures: { growthMiBPer10kBlocks: growthOf(warm, 'rssMiB') },
      yardstick: {
        heapGrowthMiBPer10kBlocks: growthOf(warm, 'heapMiB'),
        bufferGrowthMiBPer10kBlocks: growthOf(warm, 'bufferMiB'),
        warmUpMiB: warm[0]!.rssMiB - told[0]!.rssMiB,
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

/** MiB in 10,000 blocks, by the line through all reports that has the least squares. */
function growthOf(
  told: readonly FollowerMemory[],
  what: Exclude<keyof FollowerMemory, 'blocks'>,
): number {
  const mean = (of: keyof FollowerMemory): number =>
    told.reduce((sum, one) => sum + one[of], 0) / told.length
  const [x, y] = [mean('blocks'), mean(what)]
  const together = told.reduce((sum, one) => sum + (one.blocks - x) * (one[what] - y), 0)
  return (10_000 * together) / told.reduce((sum, { blocks }) => sum + (blocks - x) ** 2, 0)
}
