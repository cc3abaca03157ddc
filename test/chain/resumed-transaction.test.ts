// Transactions that were kept before they were sent, and are gone on with where the endpoint has dropped the blocks that may
// hold them, or takes them no more.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { type Connection, openApi } from '../../src/chain/subtensor/connection.ts'
import { Sender } from '../../src/chain/subtensor/transactions.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import type { SignedTx } from '../../src/chain/transaction.ts'
import { silent } from '../../src/log.ts'
import { type ChainProxy, proxyChain } from '../support/chain-proxy.ts'

const TAO = 1_000_000_000n
const SUBMIT = 'author_submitAndWatchExtrinsic'
const to = keyFromSeed('sr25519', new Uint8Array(32).fill(9)).address

const life = new AbortController()
let folder = ''
let dev: DevChain
let wire: Connection
/** The chain makes no block from this one on. */
let stopsAt = Number.POSITIVE_INFINITY
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-resumed-'))
  const mayAuthor = (block: number): boolean => block < stopsAt
  const options = { dataDir: folder, blockMs: 50, log: silent, signal: life.signal }
  dev = await startDevChain({ ...options, mayAuthor })
  wire = await openApi([dev.url], options)
})
afterAll(async () => {
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

let proxy: ChainProxy
let chain: Chain
beforeEach(async () => {
  stopsAt = Number.POSITIVE_INFINITY
  proxy = await proxyChain(dev.url)
  chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
})
afterEach(async () => {
  await chain.close()
  await proxy.close()
})

interface Kept {
  readonly signed: SignedTx
  /** A block after the one that holds it, where one does. */
  readonly upTo: number
}

/** Signs a transfer as a process does that dies right before it sends it, or once it is final; blocks follow. */
async function kept(dies: 'before' | 'after'): Promise<Kept> {
  let signed: SignedTx | undefined
  const call = () => wire.api.tx['balances']!['transferKeepAlive']!(to, TAO)
  const keep = async (one: SignedTx): Promise<void> => {
    signed = one
    if (dies === 'before') throw new Error('died')
  }
  const sent = new Sender(wire, life.signal).send(call, DEV_ACCOUNT, keep)
  if (dies === 'before') await expect(sent).rejects.toThrow('died')
  else await sent
  const upTo = (await chain.head()).number + 2
  await vi.waitUntil(async () => (await chain.head()).number > upTo, { timeout: 30_000 })
  return { signed: signed!, upTo }
}

const WHAT = ['states', 'bodies', 'all'] as const

/** Has the endpoint answer as one does that has dropped every block up to one: what it did, its body, or all of it. */
async function drop(upTo: number, what: (typeof WHAT)[number]): Promise<void> {
  const hashes = new Set<unknown>()
  for (let number = 1; number <= upTo; number++) hashes.add((await chain.blockAt(number)).hash)
  proxy.refuse = (method, params) => {
    if (!method.startsWith('state_') || !hashes.has(params.at(-1))) return undefined
    return { code: 4003, message: 'Client error: UnknownBlock: State already discarded' }
  }
  proxy.answer = (method, [first]) => {
    if (what !== 'states' && method === 'chain_getBlock' && hashes.has(first)) return null
    const isGone = what === 'all' && method === 'chain_getBlockHash' && Number(first) <= upTo
    return isGone ? null : undefined
  }
}

test.each(WHAT)('what stood in a block that is dropped is told as unseen: %s', async (what) => {
  const { signed, upTo } = await kept('after')
  await drop(upTo, what)
  await expect(chain.resume(signed)).rejects.toMatchObject({
    code: 'CHAIN_TIMEOUT',
    details: { stage: 'timeout', retry: 'nextBlock', unseen: true },
  })
})

test.each(WHAT)('what no dropped block can hold goes out and stands: %s', async (what) => {
  const { signed, upTo } = await kept('before')
  const before = await chain.balance(to)
  await drop(upTo, what)
  const { block } = (await chain.resume(signed))!
  expect(block.number).toBeGreaterThan(upTo)
  expect(await chain.balance(to)).toBe(before + TAO)
})

test.each([
  [1010, 'Invalid Transaction', 'Inability to pay some fees'],
  [1012, 'Transaction is temporarily banned', undefined],
])('what the pool refuses for good (%d) ends long before its era', async (code, message, data) => {
  const { signed } = await kept('before')
  stopsAt = signed.until - 20
  const error = { code, message, ...(data === undefined ? {} : { data }) }
  proxy.refuse = (method) => (method === SUBMIT ? error : undefined)
  expect(await chain.resume(signed)).toBeUndefined()
  proxy.refuse = undefined
  stopsAt = Number.POSITIVE_INFINITY
  await chain.transfer(DEV_ACCOUNT, to, TAO)
})
