import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Chain } from '../../src/chain/chain.ts'
import { keyFromSeed } from '../../src/chain/keys.ts'
import { silent } from '../../src/log.ts'
import { acceptSheet, keepSheet } from '../../src/node/bind-peer.ts'
import type { Core } from '../../src/node/core.ts'
import { chooseBindings, followBinding } from '../../src/node/follow-binding.ts'
import { changeBindings } from '../../src/node/hotkey-bindings.ts'
import { readBinding, writeBinding } from '../../src/node/own-binding.ts'
import {
  type BindingCommitment,
  decodeCommitment,
  encodeCommitment,
} from '../../src/protocols/binding.ts'
import {
  type BindingSheet,
  bindingIn,
  consent,
  NOBODY,
  sheetRoot,
  signedSheet,
} from '../../src/protocols/binding-sheet.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const [self, neighbour] = [testKey(1), testKey(2)]
const [hotkey, another] = [11, 12].map((seed) =>
  keyFromSeed('ed25519', new Uint8Array(32).fill(seed)),
)
const sheetOf = (by: typeof hotkey, seq: number, ...keys: (typeof self)[]): BindingSheet =>
  signedSheet(
    net,
    by!,
    keys.map((key) => consent(net, by!.publicKey, key, { seq, expiresAtBlock: 1000 })),
  )
const ownIn = (sheet: BindingSheet) => bindingIn(net, sheet, self.publicKey)!
const commits = (sheet: BindingSheet | undefined) => (): BindingCommitment | undefined =>
  sheet && { seq: 1, bindingsRoot: sheetRoot(net, sheet), recordsRoot: NOBODY }

const lone = sheetOf(hotkey, 5, self)
const both = sheetOf(hotkey, 5, self, neighbour)
const elsewhere = sheetOf(another, 6, self)

test.each([
  ['nothing is bound', undefined, [], undefined, undefined, undefined],
  [
    'the first binding is told before anything is committed',
    undefined,
    [lone],
    undefined,
    lone,
    undefined,
  ],
  ['a prepared one is told beside the one that holds', lone, [both, lone], lone, lone, both],
  ['it takes its place once it is committed', lone, [both, lone], both, both, undefined],
  ['a chain that was not read changes nothing', lone, [both, lone], undefined, lone, both],
  [
    'one of another hotkey is not prepared by being accepted',
    lone,
    [elsewhere],
    lone,
    lone,
    undefined,
  ],
])('%s', (_, told, sheets, held, binding, next) => {
  const own = told && ownIn(told)
  const found = chooseBindings(net, self.publicKey, own, sheets.map(ownIn), commits(held))
  expect(found).toEqual({
    binding: binding && ownIn(binding),
    nextBinding: next && ownIn(next),
  })
})

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'cn-follow-'))
  onTestFinished(() => rm(path, { recursive: true }))
  return path
}

test('a running node tells the binding that the chain came to hold, and keeps it', async () => {
  const dataDir = await folder()
  await writeBinding(dataDir, ownIn(lone))
  const needs = { net, key: self, dataDir }
  let held = lone
  await using stack = new AsyncDisposableStack()
  const core = { config: { dataDir }, net, key: self, log: silent } as unknown as Core
  const own = await followBinding(core, stack, () => commits(held)())
  expect(own.binding()).toEqual(ownIn(lone))
  await keepSheet(needs, both)
  await vi.waitUntil(() => own.nextBinding() !== undefined, { timeout: 20_000 })
  expect([own.binding(), own.nextBinding()]).toEqual([ownIn(lone), ownIn(both)])
  held = both
  await vi.waitUntil(() => own.nextBinding() === undefined, { timeout: 20_000 })
  expect(own.binding()).toEqual(ownIn(both))
  expect(await readBinding(dataDir)).toEqual(ownIn(both))
})

test('what is prepared is handed out before it is committed; a stale file is still refused', async () => {
  const [dataDir, file] = [await folder(), join(await folder(), 'sheets.txt')]
  let bytes = encodeCommitment({ seq: 1, bindingsRoot: sheetRoot(net, lone) })
  const chain = {
    head: async () => ({ number: 10, hash: '0x00' }),
    blockAt: async (number: number) => ({ number, hash: '0x00' }),
    commitmentDue: async () => 0,
    commitments: async () => new Map([[hotkey!.address, { bytes, block: 9 }]]),
    async setCommitment(_: number, __: unknown, next: Uint8Array) {
      bytes = next
      return { block: { number: 11, hash: '0x00' }, events: [] }
    },
  } as unknown as Chain
  const change = () => both.members
  const needs = { chain, net, hotkey: hotkey!, file, others: [lone] }
  const node = { chain, net, key: self, dataDir }
  const prepared = await changeBindings({ ...needs, prepare: true }, change)
  expect(decodeCommitment(bytes)!.bindingsRoot).toEqual(sheetRoot(net, lone))
  expect(await acceptSheet(node, [prepared])).toMatchObject({ isHeld: false })
  expect(await readBinding(dataDir)).toBeUndefined()
  bytes = encodeCommitment({ seq: 2, bindingsRoot: sheetRoot(net, both) })
  expect(await acceptSheet(node, [prepared])).toEqual({ binding: ownIn(both), isHeld: true })
  expect(await readBinding(dataDir)).toEqual(ownIn(both))
  bytes = encodeCommitment({ seq: 3, bindingsRoot: sheetRoot(net, elsewhere) })
  await expect(acceptSheet(node, [prepared])).rejects.toThrow('not what the chain holds')
  const forged = { ...prepared, preparedOn: sheetRoot(net, elsewhere), hotkey: another!.publicKey }
  await expect(acceptSheet(node, [forged])).rejects.toThrow('does not hold')
})
