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
import { decodeCommitment } from '../../src/protocols/binding.ts'
import {
  type BindingMember,
  consent,
  NOBODY,
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
let held: { bytes: Uint8Array; block: number } | undefined
/** What the chain says to the next commitment, if not yes. */
let refusal: NodeError | undefined

/** A chain that holds one hotkey's commitment; the e2e tests do the same on the embedded one. */
const chain = {
  head: async () => ({ number: block, hash: '0x00' }),
  commitments: async () => new Map(held === undefined ? [] : [[hotkey.address, held]]),
  async setCommitment(_: number, __: Hotkey, bytes: Uint8Array) {
    if (refusal !== undefined) throw refusal
    held = { bytes, block }
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
  held = undefined
  refusal = undefined
  block = 10
})
afterEach(() => rm(folder, { recursive: true }))

test('what the chain refuses changes nothing: the older sheet is kept beside the newer, and counts', async () => {
  await add(asks(1))
  refusal = new NodeError('CHAIN_DISPATCH', 'refused', { error: 'CommitmentSetRateLimitExceeded' })
  await expect(add(asks(2))).rejects.toMatchObject({
    code: 'CHAIN_DISPATCH',
    next: expect.stringContaining('wait 100 blocks'),
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
  expect(decodeCommitment(held!.bytes)?.bindingsRoot).toEqual(NOBODY)
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
