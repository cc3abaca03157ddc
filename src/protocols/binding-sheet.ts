import { sign } from 'node:crypto'
import { z } from 'zod'
import { NodeError } from '../errors.ts'
import { KiB } from '../units.ts'
import { bindingLeaf, bindingTree, MAX_BOUND_PEERS } from './binding.ts'
import { type Binding, bindingMessage, bindingSchema } from './capability.ts'
import { cborCodec, type Message } from './codec.ts'
import { verifySignature } from './ed25519.ts'
import { bytes, integer } from './fields.ts'
import type { Network } from './network.ts'
import type { RecordKey } from './seal.ts'

const memberSchema = z.looseObject({
  peerKey: bytes(32),
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  expiresAtBlock: integer(0, 0xffffffff),
  sigPeer: bytes(64),
  /** Absent while the PeerId only asks. */
  sigHotkey: bytes(64).optional(),
})

const sheetSchema = z.looseObject({
  netDigest: bytes(32),
  hotkey: bytes(32),
  /** Absent in a request: who asks knows the address alone. */
  hotkeyType: bindingSchema.shape.hotkeyType.optional(),
  /** The root that the chain held when this was prepared; absent in a sheet that was committed before it was handed out. */
  preparedOn: bytes(32).optional(),
  /** In the order of the tree's leaves. */
  members: z.array(memberSchema).max(MAX_BOUND_PEERS),
})

const codec = cborCodec(sheetSchema, 64 * KiB)

/** One PeerId's consent to work for a hotkey, and the hotkey's once it gave it. */
export type BindingMember = Message<typeof codec>['members'][number]
/** All PeerIds of one hotkey with their consents (or a single one's request): what machines hand each other. */
export type BindingSheet = Message<typeof codec>

/** Who binds, and its way of signing. */
export interface SheetHotkey {
  readonly type: Binding['hotkeyType']
  /** 32 B. */
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
}

const MARK = 'compute-node-bind:'
const FOUND = /compute-node-bind:([A-Za-z0-9_-]+)/g

/** A sheet as one line of text, to be carried in a file or a message; it holds no secret. */
export const sheetText = (sheet: BindingSheet): string =>
  `${MARK}${Buffer.from(codec.encode(sheet)).toString('base64url')}`

/** Every sheet in a text, whatever stands around them; BAD_MESSAGE for a damaged one. */
export const sheetsIn = (text: string): BindingSheet[] =>
  [...text.matchAll(FOUND)].map(([, coded]) =>
    codec.decode(new Uint8Array(Buffer.from(coded!, 'base64url'))),
  )

/** A PeerId's own consent to work for a hotkey. */
export function consent(
  net: Network,
  hotkey: Uint8Array,
  key: RecordKey,
  { seq, expiresAtBlock }: Pick<BindingMember, 'seq' | 'expiresAtBlock'>,
): BindingMember {
  const message = bindingMessage(net, { hotkey, seq, expiresAtBlock, peerKey: key.publicKey })
  const sigPeer = new Uint8Array(sign(null, message, key.privateKey))
  return { peerKey: key.publicKey, seq, expiresAtBlock, sigPeer }
}

/** What a PeerId hands to whoever has the hotkey. */
export const requestSheet = (
  net: Network,
  hotkey: Uint8Array,
  member: BindingMember,
): BindingSheet => ({ netDigest: net.digest, hotkey, members: [member] })

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const bad = (message: string, next: string): NodeError =>
  new NodeError('BAD_CONFIG_BINDING', message, { next })

/**
 * The members of a sheet that somebody handed over, for a hotkey to sign.
 * @throws BAD_CONFIG_BINDING when it is of another network or hotkey, or a PeerId did not sign
 */
export function checkedMembers(
  net: Network,
  hotkey: Uint8Array,
  sheet: BindingSheet,
): BindingMember[] {
  if (!same(sheet.netDigest, net.digest))
    throw bad('the request is for another network', `make it again on ${net.name}`)
  if (!same(sheet.hotkey, hotkey))
    throw bad('the request is for another hotkey', 'make it again with the address of this one')
  for (const { peerKey, seq, expiresAtBlock, sigPeer } of sheet.members) {
    const message = bindingMessage(net, { hotkey, seq, expiresAtBlock, peerKey })
    if (!verifySignature(peerKey, message, sigPeer))
      throw bad("a PeerId's signature is wrong", 'make the request again on that machine')
  }
  return sheet.members
}

/**
 * The members after others came: each keeps its place, a newer consent replaces an older one of the same PeerId.
 * @throws BAD_CONFIG_BINDING for an older consent than the one held, which somebody replays, and beyond 64
 */
export function withMembers(
  held: readonly BindingMember[],
  coming: readonly BindingMember[],
): BindingMember[] {
  const members = [...held]
  for (const member of coming) {
    const place = members.findIndex(({ peerKey }) => same(peerKey, member.peerKey))
    const before = members[place]
    if (before === undefined) members.push(member)
    else if (member.seq > before.seq) members[place] = member
    else if (member.seq < before.seq)
      throw bad('the request is older than the binding held', 'make it again on that machine')
  }
  if (members.length > MAX_BOUND_PEERS)
    throw bad(
      `a hotkey binds at most ${MAX_BOUND_PEERS} peers, these are ${members.length}`,
      'remove one with compute-node chain bind remove PEERID',
    )
  return members
}

/** A sheet whose every member the hotkey signed for. */
export function signedSheet(
  net: Network,
  hotkey: SheetHotkey,
  members: readonly BindingMember[],
): BindingSheet {
  const { publicKey, type } = hotkey
  const signed = members.map((member) => ({
    ...member,
    sigHotkey:
      member.sigHotkey ?? hotkey.sign(bindingMessage(net, { ...member, hotkey: publicKey })),
  }))
  return { netDigest: net.digest, hotkey: publicKey, hotkeyType: type, members: signed }
}

/** The root of a hotkey that binds nobody: no tree has it. */
export const NOBODY = new Uint8Array(32)

const leavesOf = (net: Network, { hotkey, members }: BindingSheet): Uint8Array[] =>
  members.map((member) => bindingLeaf(net, { ...member, hotkey }))

/** What the chain must hold for a sheet to count. */
export const sheetRoot = (net: Network, sheet: BindingSheet): Uint8Array =>
  sheet.members.length === 0 ? NOBODY : bindingTree(leavesOf(net, sheet)).root

/** The binding that one PeerId announces; undefined when the sheet does not name it or the hotkey has not signed. */
export function bindingIn(
  net: Network,
  sheet: BindingSheet,
  peerKey: Uint8Array,
): Binding | undefined {
  const index = sheet.members.findIndex((member) => same(member.peerKey, peerKey))
  const { hotkey, hotkeyType } = sheet
  const { sigHotkey, seq, expiresAtBlock, sigPeer } = sheet.members[index] ?? {}
  if (sigHotkey === undefined || hotkeyType === undefined) return undefined
  const path = [...bindingTree(leavesOf(net, sheet)).paths[index]!]
  const member = { seq: seq!, expiresAtBlock: expiresAtBlock!, sigPeer: sigPeer!, sigHotkey }
  return { hotkey, hotkeyType, ...member, index, path }
}

/** The sheet of a hotkey's only PeerId, read from its binding; undefined when there were others. */
export function sheetOfLone(
  net: Network,
  binding: Binding,
  peerKey: Uint8Array,
): BindingSheet | undefined {
  if (binding.path.length > 0) return undefined
  const { hotkey, hotkeyType, seq, expiresAtBlock, sigPeer, sigHotkey } = binding
  const member = { peerKey, seq, expiresAtBlock, sigPeer, sigHotkey }
  return { netDigest: net.digest, hotkey, hotkeyType, members: [member] }
}
