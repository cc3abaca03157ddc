import type { BeaconInfo, Pulse } from '../beacon.ts'
import type { GemmOpenings } from '../gpu/gemm-proof.ts'
import type { PassOpenings } from '../gpu/residency-proof.ts'
import type { Announcement, SlotPulses, Tick } from '../gpu/slot.ts'
import type { PerWork } from '../gpu/slot-network.ts'
import type { Transcript } from '../gpu/transcript.ts'
import { sealFinal } from '../protocols/challenge.ts'
import type { Core } from './core.ts'

/** What a miner opens of both kinds of work. */
export interface SlotOpenings {
  readonly residency: PassOpenings
  readonly gemm: GemmOpenings
}

/** What a slot of one device came to. */
export interface ProvenSlot {
  readonly slot: number
  readonly pulses: SlotPulses
  readonly finals: PerWork<Tick>
  readonly openings: SlotOpenings
}

const told = ({ round, signature }: Pulse) => ({ round, signature })

/** Everything that anyone needs to check one device's slot, with the Finals signed by this node. */
export function transcriptOf(
  { net, key, peerId }: Pick<Core, 'net' | 'key' | 'peerId'>,
  { name, publicKey, periodMs, genesisMs }: BeaconInfo,
  { hotkey, gpuId, n, bytes }: Announcement,
  { slot, pulses, finals, openings }: ProvenSlot,
): Transcript {
  const { residency, gemm } = openings
  return {
    version: 2,
    network: net.network,
    genesis: net.genesis,
    netuid: net.netuid,
    hotkey,
    peerId,
    gpu: gpuId,
    n,
    bytes,
    slot,
    beacon: { name, publicKey, periodMs, genesisMs },
    pulses: pulsesTold(pulses),
    residency: {
      ...residency,
      counts: [...residency.counts],
      final: sealFinal(net, key, { ...finals.residency }).bytes,
    },
    gemm: {
      ...gemm,
      counts: [...gemm.counts],
      final: sealFinal(net, key, { ...finals.gemm }).bytes,
    },
  }
}

/** The pulses of a slot as a transcript tells them. */
export const pulsesTold = ({ fill, start, gemm, open }: SlotPulses): Transcript['pulses'] => ({
  fill: told(fill),
  start: told(start),
  gemm: told(gemm),
  open: told(open),
})
