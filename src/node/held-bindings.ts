import type { Chain } from '../chain/chain.ts'
import { verifyHotkeySignature } from '../chain/keys.ts'
import type { Neuron } from '../chain/metagraph.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { flawInBinding } from '../protocols/binding.ts'
import type { Binding, Capability } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import type { Signed } from '../protocols/signed.ts'
import { type BoundClaim, type BoundClaims, isEarlier } from './bound-claims.ts'
import { toJson } from './output.ts'
import type { CommitmentAt } from './own-commitment.ts'

/** One reading of the subnet, as far as bindings depend on it. */
export interface BindingsReading {
  readonly headBlock: number
  /** By SS58 hotkey. */
  readonly commitments: ReadonlyMap<string, CommitmentAt>
  /** By public key in hex. */
  readonly byHotkey: ReadonlyMap<string, Neuron>
}

/** A binding that holds, and the neuron whose hotkey made it. */
export interface Held {
  readonly neuron: Neuron
  readonly binding: Binding
}

/** Judges which bindings hold; of two hotkeys that bind one PeerId, whose was earlier. */
export interface HeldBindings {
  /** Whom the peer of a record works for at a reading. */
  of(record: Signed<Capability>, reading: BindingsReading): Held | undefined
  /** Keeps whom each peer of some records works for, so that a later claim of another hotkey is known as later. */
  note(
    chain: Pick<Chain, 'commitmentIn'>,
    records: readonly Signed<Capability>[],
    reading: BindingsReading,
  ): Promise<void>
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const isOfOneHotkey = (a: Binding, b: Binding): boolean => hex(a.hotkey) === hex(b.hotkey)

/** Verdicts that are kept: signatures are checked once per binding and committed root. */
const MOST_JUDGED = 10_000
const MOST_PLACES = 1000

export function createHeldBindings(
  net: Network,
  log: Log,
  claims: BoundClaims | undefined,
): HeldBindings {
  const judged = new Map<string, string | undefined>()
  /** Place of a hotkey's commitment in its block, by both, where it was asked for. */
  const places = new Map<string, number | null>()
  const texts = new WeakMap<Binding, string>()

  /** Records stay the same objects, and are judged with every word of their peer. */
  function textOf(binding: Binding): string {
    const text = texts.get(binding) ?? toJson(binding)
    texts.set(binding, text)
    return text
  }
  const placeOf = (hotkey: string, block: number): string => `${hotkey}/${block}`

  function flawOf(
    binding: Binding,
    peerKey: Uint8Array,
    commitment: CommitmentAt,
    headBlock: number,
  ): string | undefined {
    if (binding.expiresAtBlock <= headBlock) return 'it has expired'
    const name = `${hex(peerKey)}/${hex(commitment.bindingsRoot)}/${textOf(binding)}`
    if (judged.has(name)) return judged.get(name)
    const facts = { net, peerKey, commitment, headBlock, checkHotkey: verifyHotkeySignature }
    const flaw = flawInBinding(binding, facts)
    if (judged.size > MOST_JUDGED) judged.clear()
    judged.set(name, flaw)
    if (flaw !== undefined) log.debug('binding-refused', { peer: peerIdOfKey(peerKey), flaw })
    return flaw
  }

  function held(
    binding: Binding,
    peerKey: Uint8Array,
    { headBlock, commitments, byHotkey }: BindingsReading,
  ): Held | undefined {
    const neuron = byHotkey.get(hex(binding.hotkey))
    const commitment = neuron && commitments.get(neuron.hotkey)
    if (neuron === undefined || commitment === undefined) return undefined
    const flaw = flawOf(binding, peerKey, commitment, headBlock)
    return flaw === undefined ? { neuron, binding } : undefined
  }

  /** By the binding that a record tells, or by the next one of the same hotkey, which a commitment makes the present one. */
  function namedBy(
    { payload: { binding, nextBinding }, publicKey }: Signed<Capability>,
    reading: BindingsReading,
  ): Held | undefined {
    if (binding === undefined) return undefined
    const now = held(binding, publicKey, reading)
    if (now !== undefined || nextBinding === undefined) return now
    return isOfOneHotkey(binding, nextBinding) ? held(nextBinding, publicKey, reading) : undefined
  }

  /** What another hotkey than the one that a record names claimed before, while that still holds. */
  function rivalOf(
    { payload }: Signed<Capability>,
    reading: BindingsReading,
  ): (Held & { readonly claim: BoundClaim }) | undefined {
    const claim = claims?.of(payload.peerId)
    if (claim === undefined || payload.binding === undefined) return undefined
    if (isOfOneHotkey(claim.binding, payload.binding)) return undefined
    const found = held(claim.binding, claim.peerKey, reading)
    return found && { ...found, claim }
  }

  function heldOf(record: Signed<Capability>, reading: BindingsReading): Held | undefined {
    const named = namedBy(record, reading)
    const rival = named && rivalOf(record, reading)
    if (named === undefined || rival === undefined) return named
    const { hotkey } = named.neuron
    const { block } = reading.commitments.get(hotkey)!
    const index = places.get(placeOf(hotkey, block)) ?? null
    const { claim, ...other } = rival
    const before = places.get(placeOf(other.neuron.hotkey, claim.block)) ?? null
    return isEarlier({ block, index }, { block: claim.block, index: before }) ? named : other
  }

  /** Where two commitments of one block decide, their places in it are asked for, once. */
  async function askPlaces(
    chain: Pick<Chain, 'commitmentIn'>,
    record: Signed<Capability>,
    reading: BindingsReading,
  ): Promise<void> {
    const named = namedBy(record, reading)
    const rival = named && rivalOf(record, reading)
    if (rival === undefined) return
    const { block } = reading.commitments.get(named!.neuron.hotkey)!
    if (block !== rival.claim.block) return
    for (const { hotkey } of [named!.neuron, rival.neuron]) {
      const name = placeOf(hotkey, block)
      if (places.has(name)) continue
      if (places.size > MOST_PLACES) places.clear()
      places.set(name, await indexOf(chain, hotkey, block))
    }
  }

  /** Null also where the endpoint has dropped the block: what cannot be told leaves things as they are. */
  async function indexOf(
    chain: Pick<Chain, 'commitmentIn'>,
    hotkey: string,
    block: number,
  ): Promise<number | null> {
    try {
      return (await chain.commitmentIn(net.netuid, hotkey, block))?.index ?? null
    } catch (error) {
      log.warn('commitment-place-unknown', { hotkey, block, reason: messageOf(error) })
      return null
    }
  }

  return {
    of: heldOf,
    async note(chain, records, reading) {
      if (claims === undefined) return
      for (const record of records) {
        await askPlaces(chain, record, reading)
        const now = heldOf(record, reading)
        if (now === undefined) continue
        const { peerId } = record.payload
        const before = claims.of(peerId)
        const { block } = reading.commitments.get(now.neuron.hotkey)!
        const { publicKey: peerKey } = record
        if (before === undefined || !isOfOneHotkey(before.binding, now.binding))
          await claims.keep(peerId, { binding: now.binding, peerKey, block })
        // A renewal, or a new path, keeps the moment of the first claim.
        else if (textOf(before.binding) !== textOf(now.binding))
          await claims.keep(peerId, { ...before, binding: now.binding })
      }
    },
  }
}
