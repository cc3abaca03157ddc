import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { BlockRef } from '../../src/chain/block-ref.ts'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { NodeError } from '../../src/errors.ts'
import { silent } from '../../src/log.ts'
import { watchHeads } from '../../src/node/watch-heads.ts'
import { proxyChain } from '../support/chain-proxy.ts'

const ref = (number: number): BlockRef => ({ number, hash: `0x${number}` })

/** A chain that says what a test lets it; the real thing follows below. */
function chainThat(head: () => Promise<BlockRef>) {
  let listener: ((head: BlockRef) => void) | undefined
  return {
    head,
    async onHead(to: (head: BlockRef) => void) {
      listener = to
    },
    tell: (number: number) => listener?.(ref(number)),
  }
}

test('blocks that come while one is shown are passed over for the newest, and none is shown twice', async () => {
  const life = new AbortController()
  const seen: number[] = []
  const first = Promise.withResolvers<void>()
  const chain = chainThat(async () => ref(1))
  const watching = watchHeads(
    chain,
    {
      async show({ number }) {
        seen.push(number)
        if (number === 1) await first.promise
        if (number === 4) life.abort()
      },
      lost: () => undefined,
    },
    life.signal,
  )
  await vi.waitUntil(() => seen.length === 1)
  for (const number of [2, 3, 1, 4]) chain.tell(number)
  first.resolve()
  await watching
  expect(seen).toEqual([1, 4])
})

test('a chain that is silent is asked, its loss is told once, and any other error ends it', async () => {
  const life = new AbortController()
  const [seen, told]: [number[], string[]] = [[], []]
  const gone = (): never => {
    throw new NodeError('CHAIN_UNREACHABLE', 'no answer')
  }
  const answers = [async () => ref(1), gone, gone, async () => ref(2), gone, async () => ref(3)]
  const watcher = {
    async show({ number }: BlockRef) {
      if (number === 3) throw new NodeError('CHAIN_NO_SUBNET', 'no such subnet')
      seen.push(number)
    },
    lost: (reason: string) => void told.push(reason),
  }
  const chain = chainThat(async () => answers.shift()!())
  const watching = watchHeads(chain, watcher, life.signal, 5)
  await expect(watching).rejects.toMatchObject({ code: 'CHAIN_NO_SUBNET' })
  expect([seen, told]).toEqual([
    [1, 2],
    ['no answer', 'no answer'],
  ])
})

test('a real chain is followed without being asked, over a lost connection, until it is stopped', async () => {
  const [life, stop] = [new AbortController(), new AbortController()]
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-heads-'))
  const dev = await startDevChain({ dataDir, blockMs: 200, log: silent, signal: life.signal })
  const proxy = await proxyChain(dev.url)
  const chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
  onTestFinished(async () => {
    await chain.close()
    await proxy.close()
    await dev.close()
    life.abort()
    await rm(dataDir, { recursive: true })
  })
  const seen: number[] = []
  const watcher = {
    show: async ({ number }: BlockRef) => void seen.push(number),
    lost: () => undefined,
  }
  const watching = watchHeads(chain, watcher, stop.signal)
  await vi.waitUntil(() => seen.length > 1, { timeout: 20_000 })
  proxy.calls.length = 0
  await vi.waitUntil(() => seen.length > 3, { timeout: 20_000 })
  expect(proxy.calls.filter((method) => method !== 'system_health')).toEqual([]) // the library's own
  proxy.cut()
  const before = seen.length
  await vi.waitUntil(() => seen.length > before + 2, { timeout: 30_000 })
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  stop.abort()
  await watching
})
