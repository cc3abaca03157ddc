import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { connectJsonRpc } from '../../src/chain/json-rpc.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { silent } from '../../src/log.ts'
import { type ChainProxy, proxyChain } from '../support/chain-proxy.ts'

const TAO = 1_000_000_000n
const SUBMIT = 'author_submitAndWatchExtrinsic'
const to = keyFromSeed('sr25519', new Uint8Array(32).fill(9)).address

const life = new AbortController()
let folder = ''
let dev: DevChain
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-wire-'))
  dev = await startDevChain({ dataDir: folder, blockMs: 50, log: silent, signal: life.signal })
})
afterAll(async () => {
  life.abort()
  await dev.close()
  await rm(folder, { recursive: true })
})

let proxy: ChainProxy
let chain: Chain
beforeEach(async () => {
  proxy = await proxyChain(dev.url)
  chain = await connectChain(proxy.url, { log: silent, signal: life.signal })
})
afterEach(async () => {
  await chain.close()
  await proxy.close()
})

/** Asks the chain itself, past the wire that is cut. */
async function nonceOf(address: string): Promise<number> {
  const rpc = await connectJsonRpc(dev.url)
  try {
    return await rpc.call<number>('system_accountNextIndex', [address])
  } finally {
    rpc.close()
  }
}

/**
 * Cuts the wire once, before the message with this number; gives how many passed, and what was submitted, each time.
 */
function cutBefore(place: number) {
  const seen = { messages: 0, submitted: [] as string[] }
  proxy.pass = (from, { params }, method) => {
    if (from === 'client' && method === SUBMIT) seen.submitted.push(String(params![0]))
    return seen.messages++ !== place
  }
  return seen
}

test('a transaction is sent once and counted once, wherever its connection is cut', {
  timeout: 120_000,
}, async () => {
  let more = true
  for (let place = 0; more; place++) {
    const [nonce, before] = [await nonceOf(DEV_ACCOUNT.address), await chain.balance(to)]
    const seen = cutBefore(place)
    const { events, block } = await chain.transfer(DEV_ACCOUNT, to, 2n * TAO)
    more = seen.messages > place
    proxy.pass = undefined
    expect(events).toContain('balances.Transfer')
    expect((await chain.head()).number).toBeGreaterThanOrEqual(block.number)
    expect([new Set(seen.submitted).size, await nonceOf(DEV_ACCOUNT.address)]).toEqual([
      1,
      nonce + 1,
    ])
    expect(await chain.balance(to)).toBe(before + 2n * TAO)
    if (place > 100) throw new Error('a transaction takes fewer messages')
  }
})

test('what failed in its block is told as that, though the connection was lost meanwhile', async () => {
  const missing = keyFromSeed('sr25519', new Uint8Array(32).fill(8))
  proxy.pass = (_, __, method) => {
    if (method !== SUBMIT) return true
    proxy.pass = undefined
    setTimeout(() => proxy.cut(), 20)
    return true
  }
  await expect(chain.setCommitment(1, missing, new Uint8Array(73))).rejects.toMatchObject({
    code: 'CHAIN_DISPATCH',
    details: { error: 'AccountNotAllowedCommit' },
  })
})

test('a transaction whose block is not final does not count', async () => {
  const before = await chain.balance(to)
  let holds = true
  proxy.pass = (from, { method }) =>
    holds && from === 'chain' && method === 'chain_finalizedHead' ? 'lose' : true
  let done = false
  const sent = chain.transfer(DEV_ACCOUNT, to, TAO).then(() => {
    done = true
  })
  while ((await chain.balance(to)) === before)
    await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(done).toBe(false)
  holds = false
  await sent
  expect(await chain.balance(to)).toBe(before + TAO)
})

/** Takes what is submitted as a node does that then loses it: no chain ever sees it. */
function swallow(): void {
  proxy.answer = (method) => (method === SUBMIT ? 'lost' : undefined)
}

test('a transaction that no block took before its era ended is over, and the next one may be sent', async () => {
  const before = await chain.balance(to)
  swallow()
  await expect(chain.transfer(DEV_ACCOUNT, to, TAO)).rejects.toMatchObject({
    code: 'CHAIN_TIMEOUT',
    details: { stage: 'timeout', retry: 'nextBlock', expired: true },
  })
  proxy.answer = undefined
  await chain.transfer(DEV_ACCOUNT, to, TAO)
  expect(await chain.balance(to)).toBe(before + TAO)
})

test('a transaction whose nonce another one took is over once that is final', async () => {
  const other = await connectChain(dev.url, { log: silent, signal: life.signal })
  swallow()
  const sent = expect(chain.transfer(DEV_ACCOUNT, to, TAO)).rejects.toMatchObject({
    code: 'CHAIN_POOL',
    details: { stage: 'pool', retry: 'nextBlock' },
    message: expect.stringContaining('another transaction'),
  })
  while (!proxy.calls.includes(SUBMIT)) await new Promise((resolve) => setTimeout(resolve, 20))
  await other.transfer(DEV_ACCOUNT, to, 2n * TAO)
  proxy.answer = undefined
  proxy.cut()
  await sent
  await other.close()
})

test('every question is asked again where its connection is cut, and nothing else is thrown', async () => {
  const { address } = DEV_ACCOUNT
  const reads: Readonly<Record<string, () => Promise<unknown>>> = {
    head: () => chain.head(),
    metagraph: () => chain.metagraph(1),
    epoch: () => chain.epoch(1),
    commitments: () => chain.commitments(1),
    weights: () => chain.weights(1),
    yuma: () => chain.yuma(1),
    rules: () => chain.weightRules(1, address),
    windows: () => chain.commitWindows(1, address),
    cost: () => chain.registrationCost(1),
    earnings: () => chain.earnings(1, address, 2),
    funds: () => chain.funds(address),
    fee: () => chain.fee(address, { kind: 'transfer', to, rao: TAO }),
  }
  for (const [name, read] of Object.entries(reads)) {
    for (const place of [0, 1, 2, 3]) {
      cutBefore(place)
      await expect(read(), `${name}, cut before message ${place}`).resolves.toBeDefined()
    }
  }
})

test('without a chain for longer, a read says so by its code', async () => {
  const waitMs = 300
  const short = await connectChain(proxy.url, { log: silent, signal: life.signal, waitMs })
  await proxy.close()
  await expect(short.head()).rejects.toMatchObject({ code: 'CHAIN_UNREACHABLE' })
  await short.close()
})
