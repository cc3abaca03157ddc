import type { BeaconInfo, Pulse } from '../beacon.ts'
import type { GemmOpenings } from '../gpu/gemm-proof.ts'
import type { HopOpenings } from '../gpu/locality-proof.ts'
import type { PassOpenings } from '../gpu/residency-proof.ts'
import type { Announcement, Final, SlotPulses } from '../gpu/slot.ts'
import type { PerAnyWork } from '../gpu/slot-network.ts'
import type { Transcript } from '../gpu/transcript.ts'
import { sealFinal } from '../protocols/challenge.ts'
import type { Core } from './core.ts'

/** What a miner opens of its work; of a locality chain if it made one. */
export interface SlotOpenings {
  readonly residency: PassOpenings
  readonly gemm: GemmOpenings
  readonly locality?: HopOpenings
}

/** What a slot of one device came to. */
export interface ProvenSlot {
  readonly slot: number
  readonly pulses: SlotPulses
  readonly finals: PerAnyWork<Final>
  readonly openings: SlotOpenings
}

/** A pulse as a transcript tells it. */
export const pulseTold = ({ round, signature }: Pulse) => ({ round, signature })

/** Everything that anyone needs to check one device's slot, with the Finals signed by this node. */
export function transcriptOf(
  { net, key, peerId }: Pick<Core, 'net' | 'key' | 'peerId'>,
  { name, publicKey, periodMs, genesisMs }: BeaconInfo,
  { hotkey, gpuId, n, bytes, mode }: Announcement,
  { slot, pulses, finals, openings }: ProvenSlot,
): Transcript {
  const { residency, gemm, locality } = openings
  const { hops } = pulses
  const walked = locality !== undefined && hops !== undefined && finals.locality !== undefined
  return {
    version: 2,
    network: net.network,
    genesis: net.genesis,
    netuid: net.netuid,
    hotkey,
    peerId,
    gpu: gpuId,
    ...(mode === 'leased' ? { mode } : {}),
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
    ...(walked
      ? {
          locality: {
            pulse: pulseTold(hops),
            ...locality,
            counts: [...locality.counts],
            final: sealFinal(net, key, { ...finals.locality }).bytes,
          },
        }
      : {}),
  }
}

/** The pulses behind the work that a transcript must open, as it tells them. */
export const pulsesTold = ({ fill, start, gemm, open }: SlotPulses): Transcript['pulses'] => ({
  fill: pulseTold(fill),
  start: pulseTold(start),
  gemm: pulseTold(gemm),
  open: pulseTold(open),
})
