import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { type Hotkey, keyFromSeed } from '../../src/chain/keys.ts'
import { NodeError } from '../../src/errors.ts'
import { changeBindings, heldBindings } from '../../src/node/hotkey-bindings.ts'
import { nextCommitment } from '../../src/node/own-commitment.ts'
import { keptSheets } from '../../src/node/sheet-file.ts'
import { decodeCommitment, encodeCommitment } from '../../src/protocols/binding.ts'
import {
  type BindingMember,
  consent,
  NOBODY,
  sheetRoot,
  signedSheet,
  withMembers,
} from '../../src/protocols/binding-sheet.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const hotkey = keyFromSeed('ed25519', new Uint8Array(32).fill(11))
const asks = (n: number, expiresAtBlock = 1000): BindingMember =>
  consent(net, hotkey.publicKey, testKey(n), { seq: 5, expiresAtBlock })

let folder: string
let file: string
let block: number
/** Every commitment by its block, and what is committed in the next block besides ours: another machine's. */
let history: { bytes: Uint8Array; block: number }[]
let rival: { when: 'before' | 'in our block'; bytes: Uint8Array } | undefined
/** What the chain says to the next commitment, if not yes. */
let refusal: NodeError | undefined

const heldAt = (number: number) => history.findLast((one) => one.block <= number)
const commits = (bytes: Uint8Array): void => void history.push({ bytes, block: ++block })

/** A chain that holds one hotkey's commitments; the e2e tests do the same on the embedded one. */
const chain = {
  head: async () => ({ number: block, hash: '0x00' }),
  blockAt: async (number: number) => ({ number, hash: '0x00' }),
  commitmentDue: async () => 0,
  epoch: async () => ({ next: 720 }),
  async commitments(_: number, at?: { number: number }) {
    const held = heldAt(at?.number ?? block)
    return new Map(held === undefined ? [] : [[hotkey.address, held]])
  },
  async setCommitment(_: number, __: Hotkey, bytes: Uint8Array) {
    if (refusal !== undefined) throw refusal
    if (rival?.when === 'before') commits(rival.bytes)
    commits(bytes)
    const mine = { number: block, hash: '0x00' }
    if (rival?.when === 'in our block') history.push({ bytes: rival.bytes, block })
    return { block: mine, events: [] }
  },
} as unknown as Chain

const needs = () => ({ chain, net, hotkey, file })
const add = (...members: BindingMember[]) =>
  changeBindings(needs(), (before) => withMembers(before, members))
const heldNow = () => heldBindings({ ...needs(), address: hotkey.address })
const peersOf = async () => (await heldNow()).sheet?.members.map(({ peerKey }) => peerKey) ?? []
const key = (n: number) => testKey(n).publicKey

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cn-bindings-'))
  file = join(folder, 'bindings', 'one.txt')
  history = []
  rival = undefined
  refusal = undefined
  block = 10
})
afterEach(() => rm(folder, { recursive: true }))

test('what the chain refuses changes nothing: the older sheet is kept beside the newer, and counts', async () => {
  await add(asks(1))
  refusal = new NodeError('CHAIN_DISPATCH', 'refused', { error: 'CommitmentSetRateLimitExceeded' })
  await expect(add(asks(2))).rejects.toMatchObject({
    code: 'CHAIN_TOO_OFTEN',
    details: { retryAtBlock: 720 },
    next: expect.stringContaining('from block 720 on'),
  })
  expect(await keptSheets(file)).toHaveLength(2)
  expect(await peersOf()).toEqual([key(1)])
  refusal = undefined
  await add(asks(2))
  expect(await peersOf()).toEqual([key(1), key(2)])
})

test('who has expired leaves at the next change, and an expired request is not taken', async () => {
  await add(asks(1, 20), asks(2))
  block = 20
  await expect(add(asks(3, 20))).rejects.toThrow('the request has expired')
  await add(asks(4))
  expect(await peersOf()).toEqual([key(2), key(4)])
})

test('revoking everybody leaves a root that nobody has', async () => {
  await add(asks(1))
  await changeBindings(needs(), () => [])
  expect(decodeCommitment(heldAt(block)!.bytes)?.bindingsRoot).toEqual(NOBODY)
  expect(await peersOf()).toEqual([])
})

test('without the file nothing is guessed: a node’s sheet brings it back, or a new start is asked for', async () => {
  await add(asks(1), asks(2))
  const others = await keptSheets(file)
  await rm(file)
  await expect(add(asks(3))).rejects.toMatchObject({
    code: 'BAD_CONFIG_BINDING',
    next: expect.stringContaining('--replace'),
  })
  const change = (before: readonly BindingMember[]) => withMembers(before, [asks(3)])
  await changeBindings({ ...needs(), others }, change)
  expect(await peersOf()).toEqual([key(1), key(2), key(3)])
  await rm(file)
  await changeBindings({ ...needs(), replace: true }, change)
  expect(await peersOf()).toEqual([key(3)])
})

const othersOf = (...members: BindingMember[]) => {
  const bindingsRoot = sheetRoot(net, signedSheet(net, hotkey, members))
  return encodeCommitment({ seq: Date.now() + 1, bindingsRoot })
}

test.each([
  ['in our block', /another machine's commitment \(block 12, .*\) replaced this one \(block 12\)/],
  ['before', /this commitment \(block 13\) replaced one that another machine made in block 12/],
] as const)(
  'a machine that commits at the same time, %s, is told of by both',
  async (when, told) => {
    await add(asks(1))
    rival = { when, bytes: othersOf(asks(1), asks(9)) }
    await expect(add(asks(2))).rejects.toMatchObject({
      code: 'CHAIN_OVERWRITTEN',
      message: expect.stringMatching(told),
      next: expect.stringContaining('chain bind add FILE'),
    })
  },
)

test('what another machine committed while the change was made is read before anything is sent', async () => {
  await add(asks(1))
  const theirs = signedSheet(net, hotkey, [asks(1), asks(9)])
  let isFirst = true
  const change = (before: readonly BindingMember[]) => {
    if (isFirst) commits(othersOf(asks(1), asks(9)))
    isFirst = false
    return withMembers(before, [asks(2)])
  }
  await changeBindings({ ...needs(), others: [theirs] }, change)
  expect(await peersOf()).toEqual([key(1), key(9), key(2)])
})

test('spec 218 says beforehand when it takes the next: nothing is sent', async () => {
  const busy = { ...chain, commitmentDue: async () => 111 } as Chain
  const changing = changeBindings({ ...needs(), chain: busy }, () => [asks(1)])
  await expect(changing).rejects.toMatchObject({
    code: 'CHAIN_TOO_OFTEN',
    next: 'run it again from block 111 on: in 101 blocks, about 21 min',
  })
  expect(history).toEqual([])
})

test('a commitment keeps the root that does not change, and its number grows though the clock went back', () => {
  const recordsRoot = new Uint8Array(32).fill(9)
  const before = { seq: 1000, bindingsRoot: NOBODY, recordsRoot }
  const bindingsRoot = new Uint8Array(32).fill(3)
  expect(nextCommitment(before, { bindingsRoot }, 500)).toEqual({
    seq: 1001,
    bindingsRoot,
    recordsRoot,
  })
  expect(nextCommitment(undefined, { recordsRoot }, 500)).toEqual({
    seq: 500,
    bindingsRoot: NOBODY,
    recordsRoot,
  })
})
