import { sizesIn } from '../gpu/leased-proofs.ts'
import { type ProofMode, proofModeOf } from '../gpu/proof-mode.ts'
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
  const { peerId, binding } = payload
  const owner = { peerId, hotkey: binding?.hotkey ?? publicKey }
  return payload.devices.flatMap((device) => {
    const mode = modeOf(device, slotMs)
    return mode === undefined ? [] : (announcementOf(net, slots, owner, device, mode) ?? [])
  })
}

/** A device as a slot names it in a mode; undefined for one that the network lets prove nothing. */
export function announcementOf(
  { genesis, netuid }: Network,
  slots: SlotNetwork,
  owner: Pick<Announcement, 'peerId' | 'hotkey'>,
  device: Device,
  mode: ProofMode,
): Announcement | undefined {
  if (device.id.startsWith('cpu') && !slots.cpuProves) return undefined
  const own = { genesis, netuid, ...owner, gpuId: device.id }
  const gpu = { ...own, ...sizesOf(device, slots, mode), ...(mode === 'idle' ? {} : { mode }) }
  return isProvable(slots, gpu) ? gpu : undefined
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
