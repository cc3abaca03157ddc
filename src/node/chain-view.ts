import type { BlockRef } from '../chain/block-ref.ts'
import type { Chain } from '../chain/chain.ts'
import type { Epoch, Metagraph, Neuron } from '../chain/metagraph.ts'
import type { Log } from '../log.ts'
import type { Capability } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { Signed } from '../protocols/signed.ts'
import type { BoundClaims } from './bound-claims.ts'
import { type BindingsReading, createHeldBindings, type Held, hex } from './held-bindings.ts'
import { type CommitmentAt, readCommitments } from './own-commitment.ts'
import type { PermittedValidator, ValidatorView } from './validator-view.ts'

/** The subnet as this node last read it at one finalized block. */
export interface ChainSnapshot {
  readonly metagraph: Metagraph
  readonly epoch: Epoch
  /** By SS58 hotkey. */
  readonly commitments: ReadonlyMap<string, CommitmentAt>
}

/** A PeerId that works for a registered hotkey, as this node believes it at its last reading. */
export interface BoundPeer {
  readonly peerId: string
  /** SS58. */
  readonly hotkey: string
  readonly uid: number
  /** Block of the commitment that holds it. */
  readonly sinceBlock: number
  readonly expiresAtBlock: number
}

/** Who is registered, who may validate and which PeerIds belong to whom. */
export interface ChainView extends ValidatorView {
  snapshot(): ChainSnapshot | undefined
  /** Reads everything anew at one block. */
  refresh(chain: Chain, at: BlockRef): Promise<void>
  /** The registered neuron whose hotkey bound this PeerId; undefined when none did. */
  neuronOf(peerId: string): Neuron | undefined
  /** The registered neuron whose hotkey bound the peer of this record, known here or not. */
  neuronFor(record: Signed<Capability>): Neuron | undefined
  /** PeerIds whose binding holds. */
  boundPeers(): readonly string[]
  /** The same with whom they work for, and since when. */
  bindings(): readonly BoundPeer[]
}

export interface ChainViewNeeds {
  readonly net: Network
  readonly log: Log
  /** Every capability record known, this node's own included. */
  readonly records: () => readonly Signed<Capability>[]
  /** The record of one peer. */
  readonly recordOf: (peerId: string) => Signed<Capability> | undefined
  /** Another number whenever `records` changed. */
  readonly revision: () => number
  /** Whom peers worked for first: of two hotkeys that bind one, the earlier has it. */
  readonly claims?: BoundClaims
}

type Bound = Held & { readonly record: Signed<Capability> }

/** A view that is empty until its first `refresh`. */
export function createChainView(needs: ChainViewNeeds): ChainView {
  const { net, log, records, recordOf, revision, claims } = needs
  const held = createHeldBindings(net, log, claims)
  let current: ChainSnapshot | undefined
  let reading: BindingsReading | undefined
  /** Who is bound, as of one snapshot and revision: it is asked for with every attestation. */
  let bindings: { readonly of: unknown; readonly at: number; readonly list: Bound[] } | undefined

  const heldOf = (record: Signed<Capability>): Held | undefined =>
    reading && held.of(record, reading)

  function bound(): readonly Bound[] {
    const at = revision()
    if (bindings?.of === current && bindings?.at === at) return bindings.list
    const list = records().flatMap((record) => {
      const now = heldOf(record)
      return now === undefined ? [] : [{ ...now, record }]
    })
    bindings = { of: current, at, list }
    return list
  }

  return {
    snapshot: () => current,
    async refresh(chain, at) {
      const [metagraph, epoch, commitments] = await Promise.all([
        chain.metagraph(net.netuid, at),
        chain.epoch(net.netuid, at),
        readCommitments(chain, net.netuid, at),
      ])
      const byHotkey = new Map(metagraph.neurons.map((one) => [hex(one.hotkeyPublicKey), one]))
      const next = { headBlock: metagraph.block.number, commitments, byHotkey }
      await held.note(chain, records(), next)
      current = { metagraph, epoch, commitments }
      reading = next
    },
    neuronOf(peerId) {
      const record = recordOf(peerId)
      return record && heldOf(record)?.neuron
    },
    neuronFor: (record) => heldOf(record)?.neuron,
    boundPeers: () => bound().map(({ record }) => record.payload.peerId),
    bindings: () =>
      bound().map(({ record, binding, neuron: { hotkey, uid } }): BoundPeer => {
        const sinceBlock = current!.commitments.get(hotkey)!.block
        const { expiresAtBlock } = binding
        return { peerId: record.payload.peerId, hotkey, uid, sinceBlock, expiresAtBlock }
      }),
    validators: () =>
      bound()
        .filter(({ neuron }) => neuron.validatorPermit && neuron.stake > 0n)
        .map(
          ({ record, neuron }): PermittedValidator => ({
            peerId: record.payload.peerId,
            hotkey: neuron.hotkeyPublicKey,
            stake: neuron.stake,
            isActive: isActive(neuron, current!.metagraph),
          }),
        ),
  }
}

/** As the chain's next epoch will find it: its own word on who is active is as old as the last one. */
const isActive = ({ lastUpdate }: Neuron, { activityCutoff, block }: Metagraph): boolean =>
  lastUpdate + activityCutoff >= block.number
