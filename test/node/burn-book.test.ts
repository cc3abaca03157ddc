// A double tells of blocks as the test likes; the embedded chain beside it has them burned.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import type { AlphaBurn } from '../../src/chain/chain-earnings.ts'
import { startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { type BurnBook, createBurnBook } from '../../src/node/burn-book.ts'
import { openStore, type Store } from '../../src/node/store.ts'
import { tempFolder } from '../support/lease-market.ts'

const burnAt = (block: number, hotkey: string, alpha: bigint): AlphaBurn => ({
  ...{ block, hotkey, alpha },
  coldkey: 'cold',
  kind: 'burned',
})

/** A chain that keeps the states of blocks from `kept` on. */
function chainOf(burns: readonly AlphaBurn[], kept = 0) {
  const asked: number[] = []
  const chain: Pick<Chain, 'burnedAlpha'> = {
    burnedAlpha: async (_, { from, to }) => {
      asked.push(to - from + 1)
      const first = Math.min(Math.max(from, kept), to + 1)
      return { from: first, to, burns: burns.filter(({ block }) => block >= first && block <= to) }
    },
  }
  return { chain, asked }
}

const BLOCKS = 200
const bookOf = (store: Store): Promise<BurnBook> =>
  createBurnBook({ store, log: silent, netuid: 1, blocks: BLOCKS })
const openBook = async (): Promise<{ book: BurnBook; store: Store }> => {
  const store = await openStore(join(await tempFolder(), 'store'))
  return { book: await bookOf(store), store }
}
async function follow(book: BurnBook, chain: Pick<Chain, 'burnedAlpha'>, ...heads: number[]) {
  for (const head of heads) await book.follow(chain, head)
}
const turns = (n: number, head: number): number[] => Array.from({ length: n }, () => head)

test('what was burned counts once every block of the window was read, a few in each turn', async () => {
  const { book } = await openBook()
  const burns = [burnAt(850, 'a', 5n), burnAt(900, 'a', 7n), burnAt(900, 'b', 1n)]
  const recycled = { ...burnAt(910, 'a', 99n), kind: 'recycled' as const }
  const { chain, asked } = chainOf([...burns, recycled])
  await follow(book, chain, ...turns(3, 1000))
  expect(book.between(801, 1000)).toBeUndefined()
  expect(book.between(900, 1000)).toEqual(
    new Map([
      ['a', 7n],
      ['b', 1n],
    ]),
  )
  await follow(book, chain, ...turns(3, 1000))
  expect(book.between(801, 1000)).toEqual(
    new Map([
      ['a', 12n],
      ['b', 1n],
    ]),
  )
  expect(book.between(800, 1000)).toBeUndefined()
  expect(Math.max(...asked)).toBe(64)
  expect(asked.reduce((a, b) => a + b)).toBe(BLOCKS)
})

test('the chain goes on, and what is older than scores look back is forgotten', async () => {
  const { book } = await openBook()
  const { chain } = chainOf([burnAt(810, 'a', 5n), burnAt(1010, 'a', 2n)])
  await follow(book, chain, ...turns(5, 1000), 1020)
  expect(book.between(821, 1020)).toEqual(new Map([['a', 2n]]))
  expect(book.between(810, 1020)).toBeUndefined()
})

test('a node that starts again goes on where it was; one that slept for too long begins anew', async () => {
  const { book, store } = await openBook()
  const { chain, asked } = chainOf([burnAt(990, 'a', 5n), burnAt(1005, 'b', 2n)])
  await follow(book, chain, ...turns(5, 1000))
  asked.length = 0
  const again = await bookOf(store)
  expect(again.between(801, 1000)).toEqual(new Map([['a', 5n]]))
  await follow(again, chain, 1010)
  expect(asked).toEqual([10])
  expect(again.between(811, 1010)).toEqual(
    new Map([
      ['a', 5n],
      ['b', 2n],
    ]),
  )
  await follow(again, chain, ...turns(5, 5000))
  expect(again.between(811, 1010)).toBeUndefined()
  expect(again.between(4801, 5000)).toEqual(new Map())
})

test('an endpoint that drops old states: nothing counts until as much was seen as scores look back', async () => {
  const { book } = await openBook()
  await follow(book, chainOf([], 950).chain, ...turns(6, 1000))
  expect(book.between(950, 1000)).toEqual(new Map())
  expect(book.between(949, 1000)).toBeUndefined()
  // It was not asked for a while, and the blocks between are gone.
  await follow(book, chainOf([burnAt(1085, 'a', 1n)], 1080).chain, ...turns(6, 1100))
  expect(book.between(950, 1100)).toBeUndefined()
  expect(book.between(1080, 1100)).toEqual(new Map([['a', 1n]]))
})

test('alpha that is burned on the embedded chain is in the book', {
  timeout: 60_000,
}, async () => {
  const life = new AbortController()
  const dataDir = await mkdtemp(join(tmpdir(), 'cn-burn-book-'))
  const dev = await startDevChain({ dataDir, blockMs: 50, log: silent, signal: life.signal })
  const chain = await connectChain(dev.url, { log: silent, signal: life.signal })
  try {
    const { address } = keyFromSeed('sr25519', new Uint8Array(32).fill(1))
    await chain.register(1, DEV_ACCOUNT, address)
    await chain.addStake(1, DEV_ACCOUNT, address, 5_000_000_000n)
    const burn = { hotkey: address, alpha: 1_000_000_000n, kind: 'burned' } as const
    const { block } = await chain.burnAlpha(1, DEV_ACCOUNT, burn)
    const { book } = await openBook()
    await follow(book, chain, ...turns(3, block.number))
    expect(book.between(block.number, block.number)).toEqual(new Map([[address, burn.alpha]]))
  } finally {
    await chain.close()
    await dev.close()
    life.abort()
    await rm(dataDir, { recursive: true })
  }
})
