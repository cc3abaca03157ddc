import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BlockRef } from '../../src/chain/block-ref.ts'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { mechanismIndex } from '../../src/chain/subtensor/features.ts'
import { countedEpoch, epochByNumber } from '../../src/chain/subtensor/read-epoch.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { type ChainProxy, proxyChain } from '../support/chain-proxy.ts'

const hotkey = (n: number) => keyFromSeed('sr25519', new Uint8Array(32).fill(n))

describe.each([218, 424] as const)('what a block costs, spec %d', (spec) => {
  const life = new AbortController()
  let folder = ''
  let dev: DevChain
  let proxy: ChainProxy
  let chain: Chain
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cn-reads-'))
    const options = { dataDir: folder, spec, blockMs: 200, tempo: 5, log: silent }
    dev = await startDevChain({ ...options, signal: life.signal })
    proxy = await proxyChain(dev.url)
    chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
    await Promise.all([1, 2, 3].map((n) => chain.register(1, DEV_ACCOUNT, hotkey(n).address)))
    await chain.setCommitment(1, hotkey(2), new Uint8Array(73).fill(7))
  })
  afterAll(async () => {
    await chain.close()
    await proxy.close()
    await dev.close()
    await rm(folder, { recursive: true })
  })

  /** What a node reads of a block. */
  const readAll = async (at: BlockRef) => {
    const [metagraph, epoch, commitments] = await Promise.all([
      chain.metagraph(1, at),
      chain.epoch(1, at),
      chain.commitments(1, at),
    ])
    return { metagraph, epoch, commitments }
  }

  test('metagraph, epoch and commitments of a new block are one request', async () => {
    const stop = new AbortController()
    const heads: BlockRef[] = []
    await readAll(await chain.head())
    await chain.onHead((head) => heads.push(head), stop.signal)
    proxy.calls.length = 0
    // The first head may be the block that was read before.
    for (let read = 1; read <= 4; read++) {
      while (heads[read] === undefined) await new Promise((resolve) => setTimeout(resolve, 20))
      const { metagraph, epoch, commitments } = await readAll(heads[read]!)
      expect(metagraph.block).toEqual(heads[read])
      expect(metagraph.neurons.map((one) => one.hotkey)).toEqual(
        [1, 2, 3].map((n) => hotkey(n).address),
      )
      expect(epoch.next - heads[read]!.number).toBe(epoch.blocksLeft)
      expect(commitments.get(hotkey(2).address)?.bytes).toEqual(new Uint8Array(73).fill(7))
    }
    stop.abort()
    expect(proxy.calls).toEqual(Array(4).fill('state_queryStorageAt'))
  })

  test('a hotkey that came is seen in its block, and older blocks are still told as they were', async () => {
    const before = await chain.head()
    const { block } = await chain.register(1, DEV_ACCOUNT, hotkey(4).address)
    const now = await readAll(block)
    expect(now.metagraph.neurons).toHaveLength(4)
    expect(now.metagraph.neurons[3]).toMatchObject({ uid: 3, hotkey: hotkey(4).address })
    expect((await readAll(before)).metagraph.neurons).toHaveLength(3)
  })
})

test('an epoch is due tempo blocks after the last, or when the owner asked, and now where it slipped', () => {
  const counted = { index: 4, tempo: 50, last: 100, pending: 0 }
  const next = (change: object, block = 110) => countedEpoch({ ...counted, ...change }, block).next
  expect([next({}), next({ pending: 120 }), next({ pending: 200 })]).toEqual([150, 120, 150])
  expect(countedEpoch(counted, 153)).toMatchObject({ next: 153, blocksLeft: 0 })
})

test('on spec 218 epochs follow from the block number', () => {
  const fires = Array.from({ length: 60 }, (_, n) => n + 20).filter((n) => (n + 2 + 1) % 11 === 0)
  for (const block of fires)
    expect(epochByNumber(2, 10, block)).toMatchObject({ last: block, next: block + 11 })
  expect(epochByNumber(2, 10, fires[0]! - 1)).toMatchObject({ next: fires[0], blocksLeft: 1 })
})

test('storage of a mechanism is kept under its own number', () => {
  expect([mechanismIndex(7, 0), mechanismIndex(7, 2)]).toEqual([7, 8199])
})
