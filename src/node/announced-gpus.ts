import { sizesIn } from '../gpu/leased-proofs.ts'
import { type ModeSince, type ProofMode, proofModeOf } from '../gpu/proof-mode.ts'
import { type Announcement, isProvable } from '../gpu/slot.ts'
import type { SlotNetwork } from '../gpu/slot-network.ts'
import type { Capability, Device } from '../protocols/capability.ts'
import type { Network } from '../protocols/network.ts'
import type { Signed } from '../protocols/signed.ts'

/** A capability record as far as proofs care. */
export type CapabilityRecord = Pick<Signed<Capability>, 'publicKey' | 'payload'>

/**
 * The devices of a record that take part in the slot whose pulse is scheduled at `slotMs`, as prover and verifier must
 * both see them: each in the mode that counts then (the newest announced without a time), with the sizes of that mode. A GPU names its idle sizes; one that
 * the network does not allow, or a mode of a later version, proves nothing.
 */
export function announcedGpus(
  net: Network,
  slots: SlotNetwork,
  { publicKey, payload }: CapabilityRecord,
  slotMs = Number.POSITIVE_INFINITY,
): Announcement[] {
  const { genesis, netuid } = net
  const { peerId } = payload
  const hotkey = payload.binding?.hotkey ?? publicKey
  return payload.devices.flatMap((device) => {
    if (device.id.startsWith('cpu') && !slots.cpuProves) return []
    const mode = modeOf(device, slotMs)
    if (mode === undefined) return []
    const own = { genesis, netuid, hotkey, peerId, gpuId: device.id }
    const gpu = { ...own, ...sizesOf(device, slots, mode), ...(mode === 'idle' ? {} : { mode }) }
    return isProvable(slots, gpu) ? [gpu] : []
  })
}

function modeOf(device: Device, slotMs: number): ProofMode | undefined {
  const { mode: word = 'idle', modeFromMs = 0, modeBefore = 'idle' } = device
  return proofModeOf(slotMs >= modeFromMs ? word : modeBefore)
}

/** What a device proves with; its idle sizes where it is exclusive, which then say that it could. */
function sizesOf(device: Device, slots: SlotNetwork, mode: ProofMode) {
  const { id, proofN, proofBytes, leasedN, leasedBytes } = device
  const { n, bytes } = id.startsWith('cpu') ? slots.cpuSizes : { n: 0, bytes: 0 }
  const idle = { n: proofN ?? n, bytes: proofBytes ?? bytes }
  if (mode !== 'leased') return idle
  const usual = sizesIn('leased', slots, idle) ?? idle
  return { n: leasedN ?? usual.n, bytes: leasedBytes ?? usual.bytes }
}

/** A device's announced mode; idle for a word of a later version, which this node never announced. */
export const modeSinceOf = (device: Device): ModeSince => ({
  mode: proofModeOf(device.mode ?? 'idle') ?? 'idle',
  fromMs: device.modeFromMs ?? 0,
  before: proofModeOf(device.modeBefore ?? 'idle') ?? 'idle',
})
