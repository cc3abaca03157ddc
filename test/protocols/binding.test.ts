import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type BindingCommitment,
  bindingLeaf,
  bindingRoot,
  bindingTree,
  decodeCommitment,
  encodeCommitment,
  flawInBinding,
} from '../../src/protocols/binding.ts'
import { type Binding, bindingMessage } from '../../src/protocols/capability.ts'
import { verifySignature } from '../../src/protocols/ed25519.ts'
import { createNetwork } from '../../src/protocols/network.ts'

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const keyOf = (fill: number) => {
  const key = Buffer.concat([PKCS8, Buffer.alloc(32, fill)])
  const privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { privateKey, publicKey: new Uint8Array(spki.subarray(-32)) }
}

const net = createNetwork('local', 1, new Uint8Array(32).fill(7))
const hotkey = keyOf(1)
const peers = [2, 3, 4].map(keyOf)
const SEQ = 1_700_000_000_000
const EXPIRES = 1000

const boundOf = (peerKey: Uint8Array) => ({
  hotkey: hotkey.publicKey,
  seq: SEQ,
  expiresAtBlock: EXPIRES,
  peerKey,
})
const leaves = peers.map(({ publicKey }) => bindingLeaf(net, boundOf(publicKey)))
const { root, paths } = bindingTree(leaves)
const commitment: BindingCommitment = {
  seq: SEQ,
  bindingsRoot: root,
  recordsRoot: new Uint8Array(32),
}

function bindingOf(index: number): Binding {
  const peer = peers[index]!
  const message = bindingMessage(net, boundOf(peer.publicKey))
  return {
    hotkey: hotkey.publicKey,
    hotkeyType: 'ed25519',
    seq: SEQ,
    expiresAtBlock: EXPIRES,
    sigHotkey: new Uint8Array(sign(null, message, hotkey.privateKey)),
    sigPeer: new Uint8Array(sign(null, message, peer.privateKey)),
    index,
    path: [...paths[index]!],
  }
}

const flaw = (binding: Binding, peer = 1, headBlock = 10, held = commitment) =>
  flawInBinding(binding, {
    net,
    peerKey: peers[peer]!.publicKey,
    commitment: held,
    headBlock,
    checkHotkey: (_, key, message, signature) => verifySignature(key, message, signature),
  })

test('every binding of a hotkey leads to the committed root', () => {
  for (const [i, leaf] of leaves.entries()) expect(bindingRoot(leaf, i, paths[i]!)).toEqual(root)
  expect(peers.map((_, i) => flaw(bindingOf(i), i))).toEqual([undefined, undefined, undefined])
})

test('a lone peer needs no path, and 64 are the most', () => {
  const lone = bindingTree([leaves[0]!])
  expect(lone).toEqual({ root: leaves[0], paths: [[]] })
  const many = Array.from({ length: 64 }, (_, i) => new Uint8Array(32).fill(i + 1))
  const full = bindingTree(many)
  expect(full.paths.every((path) => path.length === 6)).toBe(true)
  expect(bindingRoot(many[63]!, 63, full.paths[63]!)).toEqual(full.root)
  expect(() => bindingTree([...many, many[0]!])).toThrow('1 to 64')
  expect(() => bindingTree([])).toThrow('1 to 64')
})

describe('a binding is refused', () => {
  const good = bindingOf(1)
  const other = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (b, i) => (i ? b : b ^ 1))
  test.each<[string, string, () => string | undefined]>([
    ['at its expiry', 'it has expired', () => flaw(good, 1, EXPIRES)],
    ['for another peer', 'it is not what the chain holds', () => flaw(good, 2)],
    ['at another place', 'it is not what the chain holds', () => flaw({ ...good, index: 0 })],
    ['outside the tree', 'its place lies outside the tree', () => flaw({ ...good, index: 4 })],
    [
      'with a longer life than bound',
      'it is not what the chain holds',
      () => flaw({ ...good, expiresAtBlock: EXPIRES + 1 }),
    ],
    [
      'once revoked',
      'it is not what the chain holds',
      () => flaw(good, 1, 10, { ...commitment, bindingsRoot: bindingTree([leaves[0]!]).root }),
    ],
    [
      "without the peer's consent",
      "the peer's signature is wrong",
      () => flaw({ ...good, sigPeer: other(good.sigPeer) }),
    ],
    [
      "without the hotkey's consent",
      "the hotkey's signature is wrong",
      () => flaw({ ...good, sigHotkey: other(good.sigHotkey) }),
    ],
  ])('%s', (_, why, found) => {
    expect(found()).toBe(why)
  })
})

test('a binding of another network is refused', () => {
  const elsewhere = createNetwork('local', 2, new Uint8Array(32).fill(7))
  expect(bindingLeaf(elsewhere, boundOf(peers[0]!.publicKey))).not.toEqual(leaves[0])
})

test("a commitment is 73 bytes that read back; others are somebody else's", () => {
  const bytes = encodeCommitment({ seq: SEQ, bindingsRoot: root })
  expect(bytes).toHaveLength(73)
  expect(decodeCommitment(bytes)).toEqual(commitment)
  expect(decodeCommitment(bytes.slice(1))).toBeUndefined()
  expect(decodeCommitment(Uint8Array.from([2, ...bytes.slice(1)]))).toBeUndefined()
})

test('golden bytes: leaf, root and commitment never change', () => {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
  expect({ leaf: hex(leaves[0]!), root: hex(root) }).toMatchInlineSnapshot(`
    {
      "leaf": "67e19548c1331c35914d21b1ed11f80496f23b77f0a0aea91ac8b864bb6d6a01",
      "root": "89c4362c803952f5846e63c9e62fad42e5d784acfded5faa53b1105b89b1905a",
    }
  `)
  expect(hex(encodeCommitment({ seq: SEQ, bindingsRoot: root }))).toBe(
    `01${SEQ.toString(16).padStart(16, '0')}${hex(root)}${'00'.repeat(32)}`,
  )
})
