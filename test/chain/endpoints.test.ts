import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BlockRef } from '../../src/chain/block-ref.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { fromHex } from '../../src/chain/hex.ts'
import { type Connection, openApi } from '../../src/chain/subtensor/connection.ts'
import { followHeads } from '../../src/chain/subtensor/final-heads.ts'
import { HeadFeed } from '../../src/chain/subtensor/head-feed.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { closedPort, proxyChain } from '../support/chain-proxy.ts'

const life = new AbortController()
const { signal } = life
let folder = ''
let dev: DevChain
let other: DevChain
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-endpoints-'))
  const start = (name: string) =>
    startDevChain({ dataDir: join(folder, name), blockMs: 50, log: silent, signal })
  ;[dev, other] = await Promise.all([start('one'), start('two')])
})
afterAll(async () => {
  life.abort()
  await Promise.all([dev.close(), other.close()])
  await rm(folder, { recursive: true })
})

const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('another endpoint goes on where the first ends, and no head is missed or told twice', async () => {
  const [first, second] = [await proxyChain(dev.url), await proxyChain(dev.url)]
  const nobody = `ws://127.0.0.1:${await closedPort()}`
  const chain = await connectChain([nobody, first.url, second.url], { log: silent, signal })
  expect(chain.info().endpoint).toBe(first.url)
  const heads: BlockRef[] = []
  await chain.onHead((head) => heads.push(head), signal)
  await until(() => heads.length > 2)
  const moved = chain.transfer(DEV_ACCOUNT, DEV_ACCOUNT.address, 1n)
  await until(() => first.calls.includes('author_submitAndWatchExtrinsic'))
  await first.close()
  await moved
  expect(chain.info().endpoint).toBe(second.url)
  const so = heads.length
  await until(() => heads.length > so + 3)
  expect(heads.map(({ number }) => number)).toEqual(heads.map((_, i) => heads[0]!.number + i))
  await chain.close()
  await second.close()
})

test('an endpoint of another chain is refused, first or last', async () => {
  const genesis = fromHex(dev.genesis, 32)!
  const options = { log: silent, signal, genesis }
  await expect(connectChain([other.url], options)).rejects.toMatchObject({
    code: 'BAD_CONFIG_CHAIN',
    message: expect.stringContaining(other.url),
  })
  const chain = await connectChain([other.url, dev.url], options)
  expect(chain.info().endpoint).toBe(dev.url)
  await chain.close()
  const proxy = await proxyChain(dev.url)
  const told = await connectChain([proxy.url, other.url], { log: silent, signal, waitMs: 1000 })
  await proxy.close()
  await expect(told.head()).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' })
  await told.close()
})

test('an endpoint that falls behind is left, and the newest head never goes back', async () => {
  const late = await proxyChain(dev.url)
  const options = { log: silent, signal, lagCheckMs: 100 }
  const chain = await connectChain([late.url, dev.url], options)
  const { number, hash } = await chain.head()
  // As a node that stands still: its newest final block stays this one.
  late.answer = (method) => (method === 'chain_getFinalizedHead' ? hash : undefined)
  expect((await chain.head()).number).toBe(number)
  await until(() => chain.info().endpoint === dev.url)
  expect((await chain.head()).number).toBeGreaterThan(number)
  await chain.close()
  await late.close()
})

test('heads that were left out are fetched, older and doubled ones passed over', async () => {
  const { api, provider } = await openApi([dev.url], { log: silent, signal })
  const headers = new Map<number, unknown>()
  const headerAt = async (number: number): Promise<unknown> => {
    const hash = await provider.send('chain_getBlockHash', [number])
    const header = headers.get(number) ?? (await provider.send('chain_getHeader', [hash]))
    headers.set(number, header)
    return header
  }
  await until(async () => (await provider.send('chain_getBlockHash', [9])) !== null)
  let tell: (error: null, header: unknown) => void = () => undefined
  const told = new Proxy(provider, {
    get: (target, name) =>
      name === 'subscribe'
        ? async (...[, , , callback]: Parameters<typeof provider.subscribe>) => {
            tell = callback
            return 'one'
          }
        : (Reflect.get(target, name) as () => unknown).bind(target),
  })
  const seen: number[] = []
  const connection: Connection = { api, provider: told, heads: new HeadFeed(api, told) }
  await followHeads(connection, ({ number }) => void seen.push(number), { signal })
  for (const number of [3, 4, 4, 2, 7, 5, 9]) tell(null, await headerAt(number))
  await until(() => seen.includes(9))
  expect(seen).toEqual([3, 4, 5, 6, 7, 8, 9])
  await provider.disconnect()
})
