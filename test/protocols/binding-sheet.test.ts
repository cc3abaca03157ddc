import { expect, test } from 'vitest'
import { keyFromSeed, verifyHotkeySignature } from '../../src/chain/keys.ts'
import { type BindingCommitment, flawInBinding } from '../../src/protocols/binding.ts'
import {
  type BindingMember,
  type BindingSheet,
  bindingIn,
  checkedMembers,
  consent,
  NOBODY,
  requestSheet,
  sheetOfLone,
  sheetRoot,
  sheetsIn,
  sheetText,
  signedSheet,
  withMembers,
} from '../../src/protocols/binding-sheet.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import { testKey, testNet } from '../support/market.ts'

const net = testNet()
const hotkey = keyFromSeed('ed25519', new Uint8Array(32).fill(11))
const EXPIRES = 1000
const times = (seq: number) => ({ seq, expiresAtBlock: EXPIRES })
const asks = (n: number, seq = 5): BindingMember =>
  consent(net, hotkey.publicKey, testKey(n), times(seq))
const committed = (sheet: BindingSheet): BindingCommitment => ({
  seq: 9,
  bindingsRoot: sheetRoot(net, sheet),
  recordsRoot: new Uint8Array(32),
})

/** What a peer thinks of the binding that PeerId `n` has from `sheet` while the chain holds `held`. */
const flaw = (sheet: BindingSheet, n: number, held = sheet, on = net, headBlock = 10) =>
  flawInBinding(bindingIn(net, sheet, testKey(n).publicKey)!, {
    net: on,
    peerKey: testKey(n).publicKey,
    commitment: committed(held),
    headBlock,
    checkHotkey: verifyHotkeySignature,
  })

const sheetOf = (...members: BindingMember[]): BindingSheet => signedSheet(net, hotkey, members)

test('64 PeerIds work for one hotkey, each by its own path; the 65th is refused', () => {
  const members = Array.from({ length: 64 }, (_, i) => asks(i + 1))
  const sheet = sheetOf(...members)
  for (let n = 1; n <= 64; n++) expect(flaw(sheet, n)).toBeUndefined()
  expect(() => withMembers(members, [asks(65)])).toThrow('at most 64 peers, these are 65')
  expect(withMembers(members, [asks(64, 6)])).toHaveLength(64)
  expect(sheetsIn(sheetText(sheet))).toEqual([sheet])
})

test('whoever is left out, has expired, is of another network or another place is not believed', () => {
  const sheet = sheetOf(asks(1), asks(2), asks(3))
  expect(flaw(sheet, 2, sheetOf(asks(1), asks(3)))).toBe('it is not what the chain holds')
  expect(flaw(sheet, 2, sheet, net, EXPIRES)).toBe('it has expired')
  const elsewhere = createNetwork('local', 2, new Uint8Array(32).fill(7))
  expect(flaw(sheet, 2, sheet, elsewhere)).toBe('it is not what the chain holds')
  const swapped = { ...bindingIn(net, sheet, testKey(2).publicKey)! }
  swapped.path = bindingIn(net, sheet, testKey(1).publicKey)!.path
  const facts = { net, headBlock: 10, checkHotkey: verifyHotkeySignature }
  const peerKey = testKey(2).publicKey
  expect(flawInBinding(swapped, { ...facts, peerKey, commitment: committed(sheet) })).toBe(
    'it is not what the chain holds',
  )
})

test('a binding from before a renewal is not believed again, though its PeerId is bound', () => {
  const before = sheetOf(asks(1), asks(2))
  const renewed = sheetOf(...withMembers(before.members, [asks(2, 6)]))
  expect(flaw(before, 2, renewed)).toBe('it is not what the chain holds')
  expect(flaw(renewed, 2)).toBeUndefined()
})

test('a newer consent takes the place of the older; an older one is refused, the same changes nothing', () => {
  const held = [asks(1), asks(2)]
  expect(withMembers(held, [asks(1, 7)]).map(({ seq }) => seq)).toEqual([7, 5])
  expect(withMembers(held, [asks(2)])).toEqual(held)
  expect(() => withMembers(held, [asks(2, 4)])).toThrow('older than the binding held')
})

test('only requests that the PeerId signed, for this hotkey and network, are taken', () => {
  const request = requestSheet(net, hotkey.publicKey, asks(1))
  expect(checkedMembers(net, hotkey.publicKey, request)).toEqual([asks(1)])
  const [member] = request.members as [BindingMember]
  const forged = { ...request, members: [{ ...member, expiresAtBlock: EXPIRES + 1 }] }
  expect(() => checkedMembers(net, hotkey.publicKey, forged)).toThrow('signature is wrong')
  expect(() => checkedMembers(net, testKey(9).publicKey, request)).toThrow('another hotkey')
  const elsewhere = createNetwork('local', 2, new Uint8Array(32).fill(7))
  expect(() => checkedMembers(elsewhere, hotkey.publicKey, request)).toThrow('another network')
})

test('a request gives no binding; a lone binding gives its sheet back; nobody has a root of its own', () => {
  const request = requestSheet(net, hotkey.publicKey, asks(1))
  expect(bindingIn(net, request, testKey(1).publicKey)).toBeUndefined()
  const lone = sheetOf(asks(1))
  const key = testKey(1).publicKey
  expect(sheetOfLone(net, bindingIn(net, lone, key)!, key)).toEqual(lone)
  const two = sheetOf(asks(1), asks(2))
  expect(sheetOfLone(net, bindingIn(net, two, key)!, key)).toBeUndefined()
  expect(sheetRoot(net, sheetOf())).toEqual(NOBODY)
})

test('text around a sheet is passed over; a damaged one is refused', () => {
  const text = sheetText(sheetOf(asks(1)))
  expect(sheetsIn(`from node 1:\n> ${text}\nbye`)).toHaveLength(1)
  expect(sheetsIn('nothing here')).toEqual([])
  expect(() => sheetsIn(text.slice(0, -4))).toThrow('CBOR')
})
