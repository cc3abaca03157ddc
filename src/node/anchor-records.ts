import type { Chain } from '../chain/chain.ts'
import type { Hotkey } from '../chain/keys.ts'
import { NodeError } from '../errors.ts'
import type { BindingCommitment } from '../protocols/binding.ts'
import type { Network } from '../protocols/network.ts'
import { recordsTree, sortedIds } from '../protocols/records-tree.ts'
import { type Anchor, keepAnchor, keptAnchors, packIds } from './anchor-file.ts'
import { bindingRootOf } from './binding-root.ts'
import { readBinding } from './own-binding.ts'
import { changeCommitment, readCommitment } from './own-commitment.ts'

export interface AnchorNeeds {
  readonly chain: Chain
  readonly net: Network
  readonly hotkey: Hotkey
  readonly dataDir: string
  /** This node's own public key. */
  readonly peerKey: Uint8Array
  /** Ids of all records that the anchor is to hold. */
  readonly ids: readonly Uint8Array[]
  /** Asked before anything is sent, with how many records it would be; throws where it may not. */
  readonly agree?: (count: number) => Promise<void>
}

/** An anchor that stands, and whether it is a new one. */
export interface AnchorOutcome {
  readonly anchor: Anchor & { readonly block: number }
  readonly isNew: boolean
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/**
 * Anchors the root of a node's records for a hotkey, beside the PeerIds that it binds. What stands already is not sent
 * again; the ids are kept before anything is sent, so that each record can be proven however this ends.
 * @throws NOTHING_MATCHED without records, and what `changeCommitment` throws
 */
export async function anchorRecords(needs: AnchorNeeds): Promise<AnchorOutcome> {
  const { chain, net, hotkey, dataDir, agree } = needs
  const ids = sortedIds(needs.ids)
  if (ids.length === 0) {
    throw new NodeError('NOTHING_MATCHED', 'there are no records to anchor', {
      next: 'a miner has some once it offered, a validator once it testified',
    })
  }
  const recordsRoot = recordsTree(ids).root
  const before = await readCommitment(chain, net.netuid, hotkey.address)
  const packed = packIds(ids)
  if (before !== undefined && same(before.recordsRoot, recordsRoot)) {
    const anchor = await standing(needs, before, packed, before.block)
    return { anchor, isNew: false }
  }
  const last = (await keptAnchors(dataDir, net, hotkey.publicKey)).at(-1)
  if (last?.block !== undefined && same(last.recordsRoot, recordsRoot))
    return { anchor: { ...last, block: last.block }, isNew: false }
  await agree?.(ids.length)
  const sent = await changeCommitment({
    ...{ chain, netuid: net.netuid, hotkey, before, roots: { recordsRoot } },
    keep: async (next) => keepAnchor(dataDir, await anchorOf(needs, next, packed)),
  })
  return { anchor: await standing(needs, sent, packed, sent.block), isNew: true }
}

const anchorOf = async (
  { net, hotkey, dataDir, peerKey }: AnchorNeeds,
  { seq, bindingsRoot, recordsRoot }: BindingCommitment,
  ids: Uint8Array,
): Promise<Anchor> => {
  const binding = await readBinding(dataDir)
  const isHeld =
    binding !== undefined &&
    same(binding.hotkey, hotkey.publicKey) &&
    same(bindingRootOf(net, binding, peerKey), bindingsRoot)
  return {
    netDigest: net.digest,
    hotkey: hotkey.publicKey,
    ...{ seq, bindingsRoot, recordsRoot, ids },
    ...(isHeld ? { binding } : {}),
  }
}

/** Keeps an anchor that the chain holds, with where. */
async function standing(
  needs: AnchorNeeds,
  held: BindingCommitment,
  ids: Uint8Array,
  block: number,
): Promise<Anchor & { readonly block: number }> {
  const { chain, net, hotkey, dataDir } = needs
  const place = await chain.commitmentIn(net.netuid, hotkey.address, block)
  const anchor = { ...(await anchorOf(needs, held, ids)), block }
  const index = place?.index ?? undefined
  const kept = index === undefined ? anchor : { ...anchor, index }
  await keepAnchor(dataDir, kept)
  return kept
}
