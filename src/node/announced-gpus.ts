import { type Announcement, isProvable } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type { Capability } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { Signed } from '../protocols/signed.ts'

/** A capability record as far as proofs care. */
export type CapabilityRecord = Pick<Signed<Capability>, 'publicKey' | 'payload'>

/**
 * The devices of a record that prove in this network's slots, as prover and verifier must both see them. A GPU names
 * both its sizes; one that the network does not allow proves nothing.
 */
export function announcedGpus(
  net: Network,
  slots: SlotNetwork,
  { publicKey, payload }: CapabilityRecord,
): Announcement[] {
  const { genesis, netuid } = net
  const hotkey = payload.binding?.hotkey ?? publicKey
  return payload.devices.flatMap(({ id, proofN, proofBytes }) => {
    const cpu = id.startsWith('cpu')
    if (cpu && !slots.cpuProves) return []
    const n = proofN ?? (cpu ? slots.cpuSizes.n : 0)
    const bytes = proofBytes ?? (cpu ? slots.cpuSizes.bytes : 0)
    const { peerId } = payload
    const gpu = { genesis, netuid, hotkey, peerId, gpuId: id, n, bytes }
    return isProvable(slots, gpu) ? [gpu] : []
  })
}
