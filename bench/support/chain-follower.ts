// Follows a chain as a node does, one reading per block, and tells its memory after a collection now and then.
import type { BlockRef } from '../../src/chain/block-ref.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { MiB } from '../../src/units.ts'

/** What a follower tells its parent. */
export interface FollowerMemory {
  readonly blocks: number
  readonly rssMiB: number
  readonly heapMiB: number
}

/** Blocks between two reports. */
export const REPORT_BLOCKS = 250

const [url] = process.argv.slice(2)
if (url !== undefined && process.send !== undefined) await follow(url)

async function follow(endpoint: string): Promise<void> {
  const { signal } = new AbortController()
  const chain = await connectChain(endpoint, { log: silent, signal })
  let blocks = 0
  let isReading = false
  const read = async (head: BlockRef): Promise<void> => {
    isReading = true
    const parts = [chain.metagraph(1, head), chain.epoch(1, head), chain.commitments(1, head)]
    const isWhole = (await Promise.allSettled(parts)).every(({ status }) => status === 'fulfilled')
    isReading = false
    if (isWhole && ++blocks % REPORT_BLOCKS === 0) report(blocks)
  }
  // Where the machine is too slow for the chain, blocks are passed over or gone already, and not counted.
  await chain.onHead((head) => {
    if (!isReading) void read(head)
  }, signal)
}

function report(blocks: number): void {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const told: FollowerMemory = { blocks, rssMiB: rss / MiB, heapMiB: heapUsed / MiB }
  process.send!(told)
}
