import type { BlockRef, Chain, Epoch, Metagraph, Neuron } from '../chain/chain.ts'
import { verifyHotkeySignature } from '../chain/keys.ts'
import type { Log } from '../log.ts'
import { flawInBinding } from '../protocols/binding.ts'
import type { Capability } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { Signed } from '../protocols/signed.ts'
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
}

interface Bound {
  readonly record: Signed<Capability>
  readonly neuron: Neuron
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** A view that is empty until its first `refresh`. */
export function createChainView(needs: ChainViewNeeds): ChainView {
  const { net, log, records, recordOf, revision } = needs
  let current: ChainSnapshot | undefined
  let byHotkey = new Map<string, Neuron>()
  /** Verdicts on bindings: signatures are checked once per record and committed root. */
  const judged = new Map<string, string | undefined>()
  /** Who is bound, as of one snapshot and revision: it is asked for with every attestation. */
  let bindings: { readonly of: unknown; readonly at: number; readonly list: Bound[] } | undefined

  function flawOf(record: Signed<Capability>, neuron: Neuron): string | undefined {
    const { binding, peerId } = record.payload
    const commitment = current?.commitments.get(neuron.hotkey)
    if (binding === undefined || current === undefined) return 'there is no binding'
    if (commitment === undefined) return 'the hotkey committed to no bindings'
    const headBlock = current.metagraph.block.number
    if (binding.expiresAtBlock <= headBlock) return 'it has expired'
    const place = `${hex(record.id)}/${hex(commitment.bindingsRoot)}`
    if (judged.has(place)) return judged.get(place)
    const flaw = flawInBinding(binding, {
      net,
      peerKey: record.publicKey,
      commitment,
      headBlock,
      checkHotkey: verifyHotkeySignature,
    })
    if (judged.size > 10_000) judged.clear()
    judged.set(place, flaw)
    if (flaw !== undefined) log.debug('binding-refused', { peer: peerId, flaw })
    return flaw
  }

  /** The neuron that a record's binding names and that bound it. */
  function boundNeuron(record: Signed<Capability>): Neuron | undefined {
    const { binding } = record.payload
    const neuron = binding === undefined ? undefined : byHotkey.get(hex(binding.hotkey))
    return neuron !== undefined && flawOf(record, neuron) === undefined ? neuron : undefined
  }

  function bound(): readonly Bound[] {
    const at = revision()
    if (bindings?.of === current && bindings?.at === at) return bindings.list
    const list = records().flatMap((record) => {
      const neuron = boundNeuron(record)
      return neuron === undefined ? [] : [{ record, neuron }]
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
      current = { metagraph, epoch, commitments }
      byHotkey = new Map(metagraph.neurons.map((one) => [hex(one.hotkeyPublicKey), one]))
    },
    neuronOf(peerId) {
      const record = recordOf(peerId)
      return record === undefined ? undefined : boundNeuron(record)
    },
    neuronFor: boundNeuron,
    boundPeers: () => bound().map(({ record }) => record.payload.peerId),
    bindings: () =>
      bound().map(({ record: { payload }, neuron: { hotkey, uid } }): BoundPeer => {
        const sinceBlock = current!.commitments.get(hotkey)!.block
        const { expiresAtBlock } = payload.binding!
        return { peerId: payload.peerId, hotkey, uid, sinceBlock, expiresAtBlock }
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
