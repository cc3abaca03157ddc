import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { connectJsonRpc } from '../../src/chain/json-rpc.ts'
import { encodeAddress } from '../../src/chain/ss58.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { median } from '../support/bench.ts'
import type { ChainFigure } from './figure.ts'

const NEURONS = 1024
/** Fewer than the subscriptions a connection may have. */
const AT_ONCE = 128
const TURNS = 5

/** The metagraph of a large subnet, at a new block each time; a bare request beside it. */
export const metagraph: ChainFigure = {
  targets: { metagraphMs: { atMost: 2000 } },
  async measure(progress) {
    await using stack = new AsyncDisposableStack()
    const life = new AbortController()
    const dataDir = await mkdtemp(join(tmpdir(), 'cn-bench-chain-'))
    stack.defer(() => rm(dataDir, { recursive: true }))
    // Spec 218 takes 4096 neurons in a subnet, 424 only 256.
    const options = { dataDir, spec: 218, blockMs: 300, log: silent, signal: life.signal } as const
    const dev = stack.adopt(await startDevChain(options), (one) => one.close())
    const chain = stack.adopt(await connectChain(dev.url, options), (one) => one.close())
    for (let n = 0; n < NEURONS; n += AT_ONCE) {
      const hotkeys = Array.from({ length: AT_ONCE }, (_, i) => addressOf(n + i))
      await Promise.all(hotkeys.map((hotkey) => chain.register(1, DEV_ACCOUNT, hotkey)))
      progress(`${n + AT_ONCE} neurons registered`)
    }
    const rpc = stack.adopt(await connectJsonRpc(dev.url, life.signal), (one) => one.close())
    const [first, ...later] = await times(TURNS + 1, async () => {
      await chain.metagraph(1, await chain.head())
    })
    const bare = await times(TURNS, () => rpc.call('chain_getFinalizedHead', []))
    return {
      figures: { metagraphMs: Math.max(...later), firstMetagraphMs: first! },
      yardstick: { bareRequestMs: median(bare) },
    }
  },
}

/** An account of nobody's. */
const addressOf = (n: number): string => {
  const key = Buffer.alloc(32, 1)
  key.writeUInt32LE(n)
  return encodeAddress(key)
}

/** How long each of several runs takes, with a new block between two. */
async function times(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const taken: number[] = []
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 350))
    const startMs = performance.now()
    await work()
    taken.push(performance.now() - startMs)
  }
  return taken
}
