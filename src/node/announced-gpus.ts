import type { Announcement } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type { Capability } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { Signed } from '../protocols/signed.ts'

/** A capability record as far as proofs care. */
export type CapabilityRecord = Pick<Signed<Capability>, 'publicKey' | 'payload'>

/** The devices of a record that prove in this network's slots, as prover and verifier must both see them. */
export function announcedGpus(
  net: Network,
  slots: SlotNetwork,
  { publicKey, payload }: CapabilityRecord,
): Announcement[] {
  const { genesis, netuid } = net
  const hotkey = payload.binding?.hotkey ?? publicKey
  return payload.devices.flatMap(({ id, proofN }) => {
    const cpu = id.startsWith('cpu')
    const n = proofN ?? (cpu ? slots.cpuN : undefined)
    if (n === undefined || (cpu && !slots.cpuProves)) return []
    return [{ genesis, netuid, hotkey, peerId: payload.peerId, gpuId: id, n }]
  })
}
