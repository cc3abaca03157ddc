import { createBeacon, type Pulse } from '../beacon.ts'
import { toHex } from '../bytes.ts'
import type { Final, SlotPulses } from '../gpu/slot.ts'
import { type AnyWork, type PerWork, type SlotNetwork, works } from '../gpu/slot-network.ts'
import { fillRoundOf, hits } from '../gpu/slot-schedule.ts'
import { beaconOf, type Transcript } from '../gpu/transcript.ts'
import { finalCodec } from '../protocols/claims.ts'
import { createNetwork, KNOWN_GENESIS, type Network } from '../protocols/network.ts'
import { peerIdOfKey } from '../protocols/peer-key.ts'
import { openRecord, recordTypes } from '../protocols/signed.ts'

/** Both Finals that a transcript must have, if its PeerId signed them for this network, slot and device; else throws why not. */
export function signedFinals(transcript: Transcript): PerWork<Final> {
  const net = networkOf(transcript)
  const [residency, gemm] = works.map((work) => signedFinal(net, transcript, work))
  return { residency: residency!, gemm: gemm! }
}

/** The Final and the pulse of a transcript's locality chain, if they are signed as the others; else throws why not. */
export function signedLocality(
  transcript: Transcript,
  slots: SlotNetwork,
): { readonly final: Final; readonly pulse: Pulse } {
  const final = signedFinal(networkOf(transcript), transcript, 'locality')
  const { round, signature } = transcript.locality!.pulse
  if (round !== transcript.slot + slots.starts.locality) {
    throw new Error('its hops pulse is not that of its slot')
  }
  const pulse = createBeacon(beaconOf(transcript)).verify(round, signature)
  if (pulse === null) throw new Error('the beacon never sent its hops pulse')
  return { final, pulse }
}

function networkOf({ network, netuid, genesis }: Transcript): Network {
  const known = KNOWN_GENESIS[network]
  if (known !== undefined && known !== toHex(genesis)) {
    throw new Error(`its genesis is not that of ${network}`)
  }
  return createNetwork(network, netuid, genesis)
}

function signedFinal(net: Network, transcript: Transcript, work: AnyWork): Final {
  const { peerId, slot, gpu } = transcript
  const part = transcript[work]
  if (part === undefined) throw new Error(`it opens no ${work}`)
  const { publicKey, payload } = openRecord(net, recordTypes.final, finalCodec, part.final)
  if (peerIdOfKey(publicKey) !== peerId) {
    throw new Error(`its Final of ${work} is signed by another peer`)
  }
  if (payload.slot !== slot || payload.gpu !== gpu || payload.work !== work) {
    throw new Error(`its Final of ${work} is of another slot, device or work`)
  }
  return payload
}

/** The pulses behind the work that a transcript must open, if the beacon signed them and they are those of a slot that starts there; else throws why not. */
export function signedPulses(transcript: Transcript, slots: SlotNetwork): SlotPulses {
  const { slot, pulses } = transcript
  const fillRound = fillRoundOf(slots, slot)
  if (fillRound === null || slot % slots.stride !== 0) {
    throw new Error('no slot starts at that round')
  }
  type Name = keyof Transcript['pulses']
  const rounds: Readonly<Record<Name, number>> = {
    fill: fillRound,
    start: slot + slots.starts.residency,
    gemm: slot + slots.starts.gemm,
    open: slot + slots.open,
  }
  const beacon = createBeacon(beaconOf(transcript))
  const signed = (name: Name): Pulse => {
    const { round, signature } = pulses[name]
    if (round !== rounds[name]) throw new Error(`its ${name} pulse is not that of its slot`)
    const pulse = beacon.verify(round, signature)
    if (pulse === null) throw new Error(`the beacon never sent its ${name} pulse`)
    return pulse
  }
  const found = {
    fill: signed('fill'),
    start: signed('start'),
    gemm: signed('gemm'),
    open: signed('open'),
  }
  if (!hits(slots, found.start)) throw new Error('its pulse starts no slot')
  return found
}
