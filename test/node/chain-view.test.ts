import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import type { Neuron } from '../../src/chain/metagraph.ts'
import { silent } from '../../src/log.ts'
import { type BoundClaims, openBoundClaims } from '../../src/node/bound-claims.ts'
import { type ChainView, createChainView } from '../../src/node/chain-view.ts'
import { makeBinding } from '../../src/node/own-binding.ts'
import { openStore } from '../../src/node/store.ts'
import { type Binding, type Capability, sealCapability } from '../../src/protocols/capability.ts'
import type { Signed } from '../../src/protocols/signed.ts'
import { capabilityOf, testKey, testNet } from '../support/market.ts'

const net = testNet()
const EXPIRES = 1000
const miner = testKey(1)
const validator = testKey(2)
const minerHotkey = keyFromSeed('sr25519', new Uint8Array(32).fill(11))
const otherHotkey = keyFromSeed('ed25519', new Uint8Array(32).fill(13))
const validatorHotkey = keyFromSeed('ed25519', new Uint8Array(32).fill(12))

const neuron = (uid: number, hotkey: Hotkey, changes: Partial<Neuron> = {}): Neuron => ({
  uid,
  hotkey: hotkey.address,
  hotkeyPublicKey: hotkey.publicKey,
  coldkey: hotkey.address,
  stake: 0n,
  validatorPermit: false,
  active: true,
  lastUpdate: 0,
  registeredAt: 0,
  incentive: 0,
  dividends: 0,
  emission: 0n,
  ...changes,
})

let neurons: Neuron[]
let commitments: Map<string, { bytes: Uint8Array; block: number }>
let records: Signed<Capability>[]
let view: ChainView
let claims: BoundClaims
/** Places of commitments in their blocks, as far as the endpoint tells them. */
let indices: Map<string, number>
/** How often all records were gone through. */
let reads = 0

/** The ledger as a table; the real one is covered by the adapter's tests and the market's. */
const chain = {
  metagraph: async (netuid: number, block: object) => ({
    netuid,
    block,
    neurons,
    activityCutoff: 100,
  }),
  epoch: async () => ({ index: 1, tempo: 10, last: 0, next: 10, blocksLeft: 5 }),
  commitments: async () => commitments,
  async commitmentIn(_: number, hotkey: string) {
    const index = indices.get(hotkey)
    if (index === undefined) throw new Error('the endpoint has dropped that block')
    return { index }
  },
} as unknown as Chain

const refresh = (number: number) => view.refresh(chain, { number, hash: '0x00' })

const viewWith = (known?: BoundClaims): ChainView =>
  createChainView({
    net,
    log: silent,
    records: () => {
      reads += 1
      return records
    },
    recordOf: (peerId) => records.findLast(({ payload }) => payload.peerId === peerId),
    revision: () => records.length,
    ...(known === undefined ? {} : { claims: known }),
  })

function bind(peer: typeof miner, hotkey: Hotkey, block = 1, seq = 5): void {
  const needs = { net, hotkey, key: peer, seq, expiresAtBlock: EXPIRES }
  const { binding, commitment } = makeBinding(needs)
  records.push(sealCapability(net, peer, { ...capabilityOf(peer), binding }))
  commitments.set(hotkey.address, { bytes: commitment, block })
}

/** The miner's PeerId, bound by another hotkey as well: its record names that one now. */
function bindAgain(block: number): void {
  records = records.filter(({ payload }) => payload.peerId !== miner.peerId)
  bind(miner, otherHotkey, block)
}

beforeEach(async () => {
  records = []
  commitments = new Map()
  neurons = [
    neuron(0, minerHotkey),
    neuron(1, validatorHotkey, { stake: 7n, validatorPermit: true }),
    neuron(2, otherHotkey),
  ]
  indices = new Map()
  claims = await openBoundClaims()
  view = viewWith(claims)
  bind(miner, minerHotkey)
  bind(validator, validatorHotkey)
})

test('nothing is believed before the chain was read', () => {
  expect(view.snapshot()).toBeUndefined()
  expect(view.validators()).toEqual([])
  expect(view.neuronOf(miner.peerId)).toBeUndefined()
})

test("a bound PeerId is its hotkey's; a validator needs permit and stake", async () => {
  await refresh(10)
  expect(view.neuronOf(miner.peerId)?.uid).toBe(0)
  expect(view.boundPeers()).toEqual([miner.peerId, validator.peerId])
  expect(view.bindings()[0]).toEqual({
    peerId: miner.peerId,
    hotkey: minerHotkey.address,
    uid: 0,
    sinceBlock: 1,
    expiresAtBlock: EXPIRES,
  })
  expect(view.validators()).toEqual([
    { peerId: validator.peerId, hotkey: validatorHotkey.publicKey, stake: 7n, isActive: true },
  ])
  await refresh(100)
  expect(view.validators()).toMatchObject([{ isActive: true }])
  await refresh(101) // it set weights in block 0, and 100 blocks are the cutoff
  expect(view.validators()).toMatchObject([{ isActive: false }])
  neurons[1] = neuron(1, validatorHotkey, { stake: 0n, validatorPermit: true })
  await refresh(12)
  expect(view.validators()).toEqual([])
  neurons[1] = neuron(1, validatorHotkey, { stake: 7n, validatorPermit: false })
  await refresh(14)
  expect(view.validators()).toEqual([])
  expect(view.neuronOf(validator.peerId)?.uid).toBe(1)
})

test('a hotkey that commits to other bindings, or leaves the subnet, revokes', async () => {
  const other = makeBinding({
    net,
    hotkey: minerHotkey,
    key: testKey(9),
    seq: 6,
    expiresAtBlock: EXPIRES,
  })
  commitments.set(minerHotkey.address, { bytes: other.commitment, block: 2 })
  await refresh(10)
  expect(view.neuronOf(miner.peerId)).toBeUndefined()
  neurons = [neurons[0]!]
  await refresh(12)
  expect(view.neuronOf(validator.peerId)).toBeUndefined()
})

test('a peer cannot claim a hotkey that did not sign for it', async () => {
  const thief = testKey(3)
  const forged = makeBinding({
    net,
    hotkey: {
      ...keyFromSeed('sr25519', new Uint8Array(32).fill(66)),
      publicKey: minerHotkey.publicKey,
    },
    key: thief,
    seq: 9,
    expiresAtBlock: EXPIRES,
  })
  records.push(sealCapability(net, thief, { ...capabilityOf(thief), binding: forged.binding }))
  // Even if it could write the commitment: the hotkey's signature is not there.
  commitments.set(minerHotkey.address, { bytes: forged.commitment, block: 3 })
  await refresh(10)
  expect(view.neuronOf(thief.peerId)).toBeUndefined()
})

test('a binding ends at its block', async () => {
  await refresh(EXPIRES - 1)
  expect(view.neuronOf(miner.peerId)?.uid).toBe(0)
  await refresh(EXPIRES)
  expect(view.neuronOf(miner.peerId)).toBeUndefined()
})

test('records are gone through once per reading of the chain and change, not once per question', async () => {
  await refresh(10)
  reads = 0
  for (let i = 0; i < 100; i++) {
    expect(view.validators()).toHaveLength(1)
    expect(view.neuronOf(miner.peerId)?.uid).toBe(0)
  }
  expect(reads).toBe(1)
  const other = testKey(4)
  bind(other, validatorHotkey)
  await refresh(11)
  expect(view.validators()).toMatchObject([{ peerId: other.peerId }])
})

const uidOf = (peer: typeof miner): number | undefined => view.neuronOf(peer.peerId)?.uid

test('a PeerId that two hotkeys bind is that of the earlier, until that one lets it go', async () => {
  bind(miner, minerHotkey, 5)
  await refresh(10)
  bindAgain(8)
  await refresh(12)
  expect(uidOf(miner)).toBe(0)
  expect(view.bindings().find(({ peerId }) => peerId === miner.peerId)).toMatchObject({ uid: 0 })
  // The first hotkey commits again, to the same bindings and other records: its claim stays that of block 5.
  commitments.set(minerHotkey.address, { ...commitments.get(minerHotkey.address)!, block: 20 })
  await refresh(21)
  expect(uidOf(miner)).toBe(0)
  commitments.delete(minerHotkey.address)
  await refresh(22)
  expect(uidOf(miner)).toBe(2)
})

test('a prepared binding holds from the block in which its hotkey commits to it, without a new record', async () => {
  const later = { net, hotkey: minerHotkey, key: miner, seq: 9, expiresAtBlock: EXPIRES }
  const foreign = makeBinding({ ...later, hotkey: otherHotkey })
  const next = makeBinding(later)
  const [{ payload }] = records as [Signed<Capability>]
  const tell = (nextBinding: Binding): void => {
    records = [sealCapability(net, miner, { ...payload, nextBinding })]
    view = viewWith(claims)
  }
  tell(next.binding)
  await refresh(10)
  expect(uidOf(miner)).toBe(0)
  commitments.set(minerHotkey.address, { bytes: next.commitment, block: 11 })
  await refresh(12)
  expect(uidOf(miner)).toBe(0)
  // Only of the same hotkey: a peer works for one.
  tell(foreign.binding)
  commitments.set(otherHotkey.address, { bytes: foreign.commitment, block: 13 })
  await refresh(14)
  expect(uidOf(miner)).toBeUndefined()
})

test('what was committed earlier wins though it is heard later', async () => {
  bind(miner, minerHotkey, 9)
  await refresh(10)
  bindAgain(8)
  await refresh(12)
  expect(uidOf(miner)).toBe(2)
})

test.each([
  ['the earlier place in one block wins', [7, 3], 2],
  ['the later place in one block does not', [3, 7], 0],
  ['where the endpoint does not tell the place, nothing changes', [], 0],
])('%s', async (_, [first, second], uid) => {
  bind(miner, minerHotkey, 9)
  await refresh(10)
  bindAgain(9)
  if (first !== undefined) indices.set(minerHotkey.address, first)
  if (second !== undefined) indices.set(otherHotkey.address, second)
  await refresh(12)
  expect(uidOf(miner)).toBe(uid)
})

test('who was first is known after a restart, and a renewal keeps the place', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cn-claims-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const withStore = async (work: () => Promise<void>): Promise<void> => {
    await using store = await openStore(folder)
    view = viewWith(await openBoundClaims(store.bucket('bound-claims')))
    await work()
  }
  await withStore(async () => {
    bind(miner, minerHotkey, 5)
    await refresh(10)
    bind(miner, minerHotkey, 30, 6)
    await refresh(31)
  })
  await withStore(async () => {
    bindAgain(20)
    await refresh(32)
    expect(uidOf(miner)).toBe(0)
  })
})
