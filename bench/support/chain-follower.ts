// Follows a chain as a node does, one reading per block, and tells its memory after a collection now and then.
import { setFlagsFromString } from 'node:v8'
import type { BlockRef } from '../../src/chain/block-ref.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import { boundYoungGeneration } from '../../src/node/young-generation.ts'
import { MiB } from '../../src/units.ts'

/** What a follower tells its parent. */
export interface FollowerMemory {
  readonly blocks: number
  readonly rssMiB: number
  readonly heapMiB: number
  /** Of buffers and whatever else objects hold outside the heap. */
  readonly bufferMiB: number
}

/** Blocks between two reports. */
export const REPORT_BLOCKS = 250
/** Pages that a collection freed are given back by other threads. */
const SETTLE_MS = 100

const [url] = process.argv.slice(2)
if (url !== undefined && process.send !== undefined) await follow(url)

async function follow(endpoint: string): Promise<void> {
  // As bin/compute-node.js and src/node/cli.ts do: V8's own bound is 64 MiB, which fills for thousands of blocks.
  setFlagsFromString('--semi-space-growth-factor=1')
  boundYoungGeneration()
  const { signal } = new AbortController()
  const chain = await connectChain(endpoint, { log: silent, signal })
  let blocks = 0
  let isReading = false
  const read = async (head: BlockRef): Promise<void> => {
    isReading = true
    const parts = [chain.metagraph(1, head), chain.epoch(1, head), chain.commitments(1, head)]
    const isWhole = (await Promise.allSettled(parts)).every(({ status }) => status === 'fulfilled')
    if (isWhole && ++blocks % REPORT_BLOCKS === 0) await report(blocks)
    isReading = false
  }
  // Where the machine is too slow for the chain, blocks are passed over or gone already, and not counted.
  await chain.onHead((head) => {
    if (!isReading) void read(head)
  }, signal)
}

async function report(blocks: number): Promise<void> {
  globalThis.gc?.()
  await sleep(SETTLE_MS)
  const { rss, heapUsed, external } = process.memoryUsage()
  const told: FollowerMemory = {
    blocks,
    rssMiB: rss / MiB,
    heapMiB: heapUsed / MiB,
    bufferMiB: external / MiB,
  }
  process.send!(told)
}
