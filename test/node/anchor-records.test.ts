import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastify from 'fastify'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { RouteDeclaration } from '../../src/api/route.ts'
import type { Chain } from '../../src/chain/chain.ts'
import { type DevChain, startDevChain } from '../../src/chain/dev/start-dev-chain.ts'
import { DEV_ACCOUNT } from '../../src/chain/dev-account.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import { connectChain } from '../../src/chain/subtensor.ts'
import { createWallet, loadHotkey } from '../../src/chain/wallet.ts'
import { silent } from '../../src/log.ts'
import { keptAnchors } from '../../src/node/anchor-file.ts'
import { earliestAnchor, makeProof } from '../../src/node/anchor-proof.ts'
import { anchorRecords } from '../../src/node/anchor-records.ts'
import { bindPeer } from '../../src/node/bind-peer.ts'
import { checkAnchor } from '../../src/node/check-anchor.ts'
import { type Config, configWith } from '../../src/node/config.ts'
import { ownRecordsRoute } from '../../src/node/control/routes/own-records.ts'
import type { Core } from '../../src/node/core.ts'
import { createEvents, type NodeEvent } from '../../src/node/events.ts'
import { readCommitment } from '../../src/node/own-commitment.ts'
import { ownRecord, ownRecordIds } from '../../src/node/own-records.ts'
import { anchorOwnRecords } from '../../src/node/services/anchor-records.ts'
import { openStore, type Store } from '../../src/node/store.ts'
import { createNetwork, type Network } from '../../src/protocols/network.ts'
import { sealOffer } from '../../src/protocols/offers.ts'
import { sealReceipt } from '../../src/protocols/receipts.ts'
import { offerOf, testKey } from '../support/market.ts'

const life = new AbortController()
/** Of the service that anchors. */
const serving = new AbortController()
const [mine, foreign] = [testKey(1), testKey(2)]
let root: string
let dev: DevChain
let chain: Chain
let net: Network
let store: Store
let dataDir: string
let hotkey: Hotkey

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'cn-anchor-'))
  const where = { dataDir: join(root, 'chain'), blockMs: 50, log: silent, signal: life.signal }
  dev = await startDevChain(where)
  chain = await connectChain(dev.url, { log: silent, signal: life.signal })
  net = createNetwork('local', 1, chain.genesis)
})
afterAll(async () => {
  await chain.close()
  await dev.close()
  life.abort()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  dataDir = await mkdtemp(join(root, 'node-'))
  store = await openStore(join(dataDir, 'store'))
  hotkey = keyFromSeed('sr25519', crypto.getRandomValues(new Uint8Array(32)))
  await chain.register(1, DEV_ACCOUNT, hotkey.address)
})
afterEach(() => store[Symbol.asyncDispose]())

const anOffer = (key: typeof mine, lot: number) => sealOffer(net, key, offerOf(key, { lot }))
const keepOffer = (key: typeof mine, lot: number) =>
  store.bucket('offers').put(`live/${key.peerId}/${lot}`, anOffer(key, lot).bytes)
const anchorNow = async () => {
  const ids = await ownRecordIds(store, net, mine.publicKey)
  return anchorRecords({ chain, net, hotkey, dataDir, peerKey: mine.publicKey, ids })
}
const prove = async (id: Uint8Array) => {
  const anchor = earliestAnchor(await keptAnchors(dataDir, net), id)!
  return makeProof(net, anchor, id, await ownRecord(store, net, mine.publicKey, id))
}
const check = (proof: object, on: Chain | undefined = chain) =>
  checkAnchor('proof.json', JSON.stringify(proof), on && (async () => on))
const badIn = async (proof: object, on?: Chain) =>
  (await check(proof, on)).checks.filter((one) => !one.ok).map(({ name }) => name)

test('own records are found and others passed over; their root stands beside the bindings', async () => {
  const leaseId = new Uint8Array(32)
  const receipt = sealReceipt(net, mine, {
    ...{ leaseId, prev: leaseId, seq: 1, atMs: 5, upMs: 5, cumulative: '1' },
  })
  await keepOffer(mine, 0)
  await keepOffer(foreign, 0)
  await store.bucket('hosted-leases-receipts').put('a/1', receipt.bytes)
  const ids = await ownRecordIds(store, net, mine.publicKey)
  expect(ids).toEqual([anOffer(mine, 0).id, receipt.id])

  const file = join(dataDir, 'sheets.txt')
  await bindPeer({ chain, net, hotkey, key: mine, dataDir, file })
  const bound = await readCommitment(chain, 1, hotkey.address)
  const { anchor, isNew } = await anchorNow()
  expect(isNew).toBe(true)
  const held = await readCommitment(chain, 1, hotkey.address)
  expect(held).toMatchObject({ recordsRoot: anchor.recordsRoot, block: anchor.block })
  expect(held!.bindingsRoot).toEqual(bound!.bindingsRoot)
  expect(held!.seq).toBeGreaterThan(bound!.seq)
  expect(await anchorNow()).toEqual({ anchor, isNew: false })
  expect(await readdir(join(dataDir, 'anchors'))).toHaveLength(1)

  const proof = await prove(receipt.id)
  const { verdict, checks, peerId, index } = await check(proof)
  expect([verdict, peerId, index]).toEqual(['VALID', mine.peerId, anchor.index])
  expect(checks.map(({ name }) => name)).toEqual(['file', 'path', 'record', 'binding', 'chain'])
  // Binding anew keeps the records' root, and what was anchored is proven at its own block.
  await bindPeer({ chain, net, hotkey, key: mine, dataDir, file })
  expect((await readCommitment(chain, 1, hotkey.address))!.recordsRoot).toEqual(held!.recordsRoot)
  expect((await check(proof)).verdict).toBe('VALID')
})

test('a running node tells its own records, and one of them by its id', async () => {
  await keepOffer(mine, 0)
  await keepOffer(foreign, 0)
  await using app = fastify()
  app.decorate('declared', new Set<RouteDeclaration>())
  ownRecordsRoute(app, { core: { store, net, key: mine } })
  const { id, bytes } = anOffer(mine, 0)
  const name = Buffer.from(id).toString('hex')
  const get = async (path: string) => (await app.inject(`/v1/own-records${path}`)).json()
  expect(await get('')).toEqual({ net: net.name, ids: [name] })
  expect(await get(`/${name}`)).toEqual({
    id: name,
    base64: Buffer.from(bytes).toString('base64'),
  })
  const others = Buffer.from(anOffer(foreign, 0).id).toString('hex')
  for (const absent of [others, 'x', name.slice(2)])
    expect(await get(`/${absent}`)).toMatchObject({ code: 'NOTHING_MATCHED' })
})

test('what a proof says falsely is found', async () => {
  await keepOffer(mine, 0)
  await keepOffer(mine, 1)
  await anchorNow()
  const { id } = anOffer(mine, 0)
  const proof = await prove(id)
  expect(await badIn(proof)).toEqual([])
  const other = Buffer.from(anOffer(mine, 1).id).toString('hex')
  expect(await badIn({ ...proof, id: other })).toEqual(['path', 'record'])
  expect(await badIn({ ...proof, place: 1 - proof.place })).toEqual(['path'])
  expect(await badIn({ ...proof, block: proof.block - 1 })).toEqual(['chain'])
  expect(await badIn({ ...proof, index: proof.index! + 1 })).toEqual(['chain'])
  expect(await badIn({ ...proof, seq: proof.seq + 1 })).toEqual(['chain'])
  expect(await badIn({ ...proof, hotkey: DEV_ACCOUNT.address })).toEqual(['chain'])
  expect(await badIn({ ...proof, netuid: 2 })).toEqual(['record', 'chain'])
  const forged = Buffer.from(proof.record!, 'base64')
  forged[forged.length - 1]! ^= 1
  expect(await badIn({ ...proof, record: forged.toString('base64') })).toEqual(['record'])
  for (const malformed of [
    {},
    { ...proof, path: ['x'] },
    { ...proof, more: 1 },
    { ...proof, hotkey: 'x' },
  ])
    expect(await badIn(malformed)).toEqual(['file'])
  expect((await checkAnchor('x', 'no json')).checks[0]).toMatchObject({ detail: 'it is no JSON' })
  expect((await check(proof, undefined)).checks).toHaveLength(4)
})

test('a record that is gone is proven by its id, in the earliest anchor that held it', async () => {
  await keepOffer(mine, 0)
  const first = await anchorNow()
  await keepOffer(mine, 1)
  const second = await anchorNow()
  expect(second.anchor.block).toBeGreaterThan(first.anchor.block)
  await store.bucket('offers').clear()
  const proof = await prove(anOffer(mine, 0).id)
  expect(proof).toMatchObject({ block: first.anchor.block, record: null, binding: null })
  expect((await check(proof)).verdict).toBe('VALID')
  await expect(anchorNow()).rejects.toMatchObject({ code: 'NOTHING_MATCHED' })
})

test('a crash after the commitment is mended by anchoring again, without a second transaction', async () => {
  await keepOffer(mine, 0)
  const dying = {
    ...chain,
    commitmentIn: async () => {
      throw new Error('killed')
    },
  } as Chain
  const ids = await ownRecordIds(store, net, mine.publicKey)
  const needs = { net, hotkey, dataDir, peerKey: mine.publicKey, ids }
  await expect(anchorRecords({ ...needs, chain: dying })).rejects.toThrow('killed')
  expect((await keptAnchors(dataDir, net))[0]!.block).toBeUndefined()
  const sent = await readCommitment(chain, 1, hotkey.address)
  const { anchor, isNew } = await anchorNow()
  expect(isNew).toBe(false)
  expect(anchor).toMatchObject({ seq: sent!.seq, block: sent!.block, index: expect.any(Number) })
  expect(await keptAnchors(dataDir, net, hotkey.publicKey)).toEqual([anchor])
})

const service = (events: NodeEvent[], changes: Partial<Config>): void => {
  const stream = createEvents(Date.now)
  stream.subscribe((event) => events.push(event), life.signal)
  const config = configWith({ dataDir, walletPath: join(dataDir, 'wallets'), ...changes })
  const core = { config, net, key: mine, store, log: silent, events: stream } as unknown as Core
  const chainLink = { current: () => chain, connect: async () => chain, close: async () => {} }
  void anchorOwnRecords({ core, chainLink }).start(serving.signal)
}

test('a miner anchors what changed every so many blocks, and says why it waits', async () => {
  const place = { path: join(dataDir, 'wallets'), name: 'default', hotkey: 'default' }
  await createWallet(place)
  const { address } = await loadHotkey(place)
  const [events, without]: NodeEvent[][] = [[], []]
  service(events!, { anchorEveryBlocks: 30 })
  service(without!, { anchorEveryBlocks: 30, walletName: 'nobody' })
  await keepOffer(mine, 0)
  const told = (name: string) => events!.filter(({ event }) => event === name)
  await vi.waitUntil(() => told('anchor-waiting').length > 0, { timeout: 20_000 })
  expect(told('anchor-waiting')).toMatchObject([{ code: 'CHAIN_DISPATCH' }]) // not registered yet
  expect(without).toMatchObject([{ event: 'anchor-waiting', code: 'BAD_CONFIG_WALLET' }])
  await chain.register(1, DEV_ACCOUNT, address)
  await vi.waitUntil(() => told('records-anchored').length > 0, { timeout: 20_000 })
  await keepOffer(mine, 1)
  await vi.waitUntil(() => told('records-anchored').length > 1, { timeout: 20_000 })
  serving.abort()
  const [first, second] = told('records-anchored')
  expect([first!['records'], second!['records']]).toEqual([1, 2])
  expect(Number(second!['block'])).toBeGreaterThanOrEqual(Number(first!['block']) + 30)
})
