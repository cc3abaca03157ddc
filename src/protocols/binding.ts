import { hash } from 'node:crypto'
import { NodeError } from '../errors.ts'
import { type Binding, bindingMessage } from './capability.ts'
import { verifySignature } from './ed25519.ts'
import type { Network } from './network.ts'
import { NO_RECORDS } from './records-tree.ts'

/** A hotkey binds at most this many PeerIds (DESIGN.md, "Identity"). */
export const MAX_BOUND_PEERS = 64
/** version u8 ‖ seq u64 ‖ bindingsRoot ‖ recordsRoot. */
const COMMITMENT_BYTES = 73
const COMMITMENT_VERSION = 1

const LEAF_DOMAIN = Buffer.from('compute-node/bind-leaf/1\0')
const NODE_DOMAIN = Buffer.from('compute-node/bind-node/1\0')
/** Fills a tree up to a power of two; no leaf hashes to it. */
const PADDING = new Uint8Array(32)

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(hash('sha256', Buffer.concat(parts), 'buffer'))

type Bound = Pick<Binding, 'hotkey' | 'seq' | 'expiresAtBlock'> & { readonly peerKey: Uint8Array }

/** The leaf of one binding: what both of its keys sign, under a domain of its own. */
export const bindingLeaf = (net: Network, bound: Bound): Uint8Array =>
  sha256(LEAF_DOMAIN, bindingMessage(net, bound))

/** The tree over a hotkey's bindings: its root, and the path of each leaf from the leaf up. */
export function bindingTree(leaves: readonly Uint8Array[]): {
  readonly root: Uint8Array
  readonly paths: readonly (readonly Uint8Array[])[]
} {
  if (leaves.length < 1 || leaves.length > MAX_BOUND_PEERS) {
    throw new NodeError('BAD_CONFIG_BINDING', `a hotkey binds 1 to ${MAX_BOUND_PEERS} peers`)
  }
  const width = 2 ** Math.ceil(Math.log2(leaves.length))
  let level = [...leaves, ...Array.from({ length: width - leaves.length }, () => PADDING)]
  const paths: Uint8Array[][] = leaves.map(() => [])
  for (let height = 0; level.length > 1; height++) {
    for (const [i, path] of paths.entries()) path.push(level[(i >> height) ^ 1]!)
    level = Array.from({ length: level.length / 2 }, (_, i) =>
      sha256(NODE_DOMAIN, level[2 * i]!, level[2 * i + 1]!),
    )
  }
  return { root: level[0]!, paths }
}

/** The root that a leaf at `index` with these siblings belongs to. */
export function bindingRoot(
  leaf: Uint8Array,
  index: number,
  path: readonly Uint8Array[],
): Uint8Array {
  return path.reduce(
    (node, sibling, height) =>
      (index >> height) & 1
        ? sha256(NODE_DOMAIN, sibling, node)
        : sha256(NODE_DOMAIN, node, sibling),
    leaf,
  )
}

/** What a hotkey commits to on chain; the latest finalized one rules, so leaving a peer out revokes it. */
export interface BindingCommitment {
  readonly seq: number
  readonly bindingsRoot: Uint8Array
  /** Root of the records a miner chose to anchor; 32 zero bytes when there are none. */
  readonly recordsRoot: Uint8Array
}

/** The 73 bytes of a commitment. */
export function encodeCommitment(
  commitment: Omit<BindingCommitment, 'recordsRoot'> & { readonly recordsRoot?: Uint8Array },
): Uint8Array {
  const head = Buffer.alloc(9)
  head.writeUInt8(COMMITMENT_VERSION)
  head.writeBigUInt64BE(BigInt(commitment.seq), 1)
  const { bindingsRoot, recordsRoot = NO_RECORDS } = commitment
  return new Uint8Array(Buffer.concat([head, bindingsRoot, recordsRoot]))
}

/** A commitment's parts; undefined for bytes of another length or version: they are somebody else's. */
export function decodeCommitment(bytes: Uint8Array): BindingCommitment | undefined {
  if (bytes.length !== COMMITMENT_BYTES || bytes[0] !== COMMITMENT_VERSION) return undefined
  const seq = Buffer.from(bytes).readBigUInt64BE(1)
  if (seq > BigInt(Number.MAX_SAFE_INTEGER)) return undefined
  return {
    seq: Number(seq),
    bindingsRoot: bytes.slice(9, 41),
    recordsRoot: bytes.slice(41),
  }
}

/** How a hotkey's signature is checked; the protocols room knows no chain. */
export type CheckHotkey = (
  type: Binding['hotkeyType'],
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
) => boolean

export interface BindingFacts {
  readonly net: Network
  /** The PeerId's key, 32 B. */
  readonly peerKey: Uint8Array
  readonly commitment: BindingCommitment
  readonly headBlock: number
  readonly checkHotkey: CheckHotkey
}

/** Why a binding does not hold, or undefined when it does. The two signatures cost about 5 ms for sr25519. */
export function flawInBinding(binding: Binding, facts: BindingFacts): string | undefined {
  const { net, peerKey, commitment, headBlock, checkHotkey } = facts
  const { hotkey, hotkeyType, seq, expiresAtBlock, sigHotkey, sigPeer, index, path } = binding
  const bound = { hotkey, seq, expiresAtBlock, peerKey }
  if (expiresAtBlock <= headBlock) return 'it has expired'
  if (index >= 2 ** path.length) return 'its place lies outside the tree'
  const root = bindingRoot(bindingLeaf(net, bound), index, path)
  if (Buffer.compare(root, commitment.bindingsRoot) !== 0) return 'it is not what the chain holds'
  const message = bindingMessage(net, bound)
  if (!verifySignature(peerKey, message, sigPeer)) return "the peer's signature is wrong"
  if (!checkHotkey(hotkeyType, hotkey, message, sigHotkey)) {
    return "the hotkey's signature is wrong"
  }
  return undefined
}
