import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { ProofSizes } from '../gpu/backend.ts'
import {
  faultOf,
  type OfflineProof,
  type OfflineSlot,
  offlineSlot,
  proveOffline,
} from '../gpu/prove-offline.ts'
import type { Prover } from '../gpu/prover.ts'
import type { Announcement } from '../gpu/slot.ts'
import { type PerWork, slotNetworks } from '../gpu/slot-network.ts'
import { createNetwork, type Network } from '../protocols/network.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import type { RecordKey } from '../protocols/seal.ts'

/** A proof that a device made for its owner alone: signed by a key and timed by a beacon that are thrown away. */
export interface SelfProof {
  readonly proof: OfflineProof
  readonly gpu: Announcement
  readonly offline: OfflineSlot
  readonly signer: { readonly net: Network; readonly key: RecordKey; readonly peerId: string }
  /** Why our own verifier refuses it; undefined when it is good. */
  readonly fault: string | undefined
}

export interface SelfProofJob {
  readonly prover: Prover
  readonly gpu: string
  readonly sizes: ProofSizes
  /** Whose limits count. */
  readonly network: keyof typeof slotNetworks
  readonly forMs: PerWork<number>
  readonly onStage?: (stage: string) => void
}

/** A genesis that no chain has: nothing here is valid anywhere. */
const NO_GENESIS = new Uint8Array(32)

/** Has a device prove once without a network, and checks that as a validator would. GPU_PROVER_* when it fails. */
export async function selfProve(job: SelfProofJob): Promise<SelfProof> {
  const { prover, sizes, network, forMs, onStage } = job
  const slots = slotNetworks[network]
  const key = throwAwayKey()
  const signer = {
    net: createNetwork(network, 0, NO_GENESIS),
    key,
    peerId: peerIdOfKey(key.publicKey),
  }
  const gpu: Announcement = {
    genesis: NO_GENESIS,
    netuid: 0,
    hotkey: key.publicKey,
    peerId: signer.peerId,
    gpuId: job.gpu,
    ...sizes,
  }
  const offline = offlineSlot(slots, Date.now())
  const told = onStage === undefined ? {} : { onStage }
  const proof = await proveOffline({ prover, net: slots, gpu, offline, forMs, ...told })
  onStage?.('checking it as a validator would')
  return { proof, gpu, offline, signer, fault: faultOf(proof, slots) }
}

function throwAwayKey(): RecordKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { publicKey: new Uint8Array(spki.subarray(-32)), privateKey }
}
