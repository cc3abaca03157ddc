import { hash } from 'node:crypto'
import type { Pulse } from '../../beacon.ts'
import type { ElementAt } from '../../gpu/element-proof.ts'
import type { ShownJob } from '../../gpu/judge-shown.ts'
import type { PageAt } from '../../gpu/residency-proof.ts'
import { type Announcement, gemmStatement, passStatement, type Tick } from '../../gpu/slot.ts'
import type { SlotNetwork } from '../../gpu/slot-network.ts'
import { fillRoundOf, mayStart } from '../../gpu/slot-schedule.ts'
import { type Fraud, finalOf, type ShownValue, workOf } from '../../protocols/fraud.ts'
import type { Network } from '../../protocols/network.ts'

/** What a proof of fraud comes to once everything but the shown bytes is derived. */
export interface FraudCase {
  readonly final: Tick
  readonly job: ShownJob
  /** Nothing is proven unless the beacon sent these. */
  readonly pulses: readonly Pulse[]
}

/** A pulse as the proof tells it: its randomness follows, whether it is true is for its judge. */
const told = (round: number, signature: Uint8Array): Pulse => ({
  round,
  signature,
  randomness: new Uint8Array(hash('sha256', signature, 'buffer')),
})

/** Derives what a proof about a value must be held against; a text says why it can prove nothing. */
export function caseOf(net: Network, slots: SlotNetwork, fraud: Fraud): FraudCase | string {
  const { shown, slot, miner, gpu } = fraud
  const final = finalOf(net, fraud)
  if (shown === undefined || final === null) return 'its miner signed no such Final'
  if (!mayStart(slots, slot)) return 'no slot starts at that round'
  const { genesis, netuid } = net
  const whose = { genesis, netuid, hotkey: shown.hotkey, peerId: miner, gpuId: gpu }
  return workOf(shown) === 'gemm'
    ? chainCase(slots, { ...whose, n: shown.size, bytes: 0 }, shown, final)
    : passesCase(slots, { ...whose, n: 0, bytes: shown.size }, shown, final)
}

function chainCase(
  slots: SlotNetwork,
  gpu: Announcement,
  { pulses, at, counts, roots, element }: ShownValue,
  final: Tick,
): FraudCase | string {
  if (element === undefined || pulses.gemm === undefined) return 'it shows no element'
  const gemm = told(final.slot + slots.starts.gemm, pulses.gemm)
  const open = told(final.slot + slots.open, pulses.open)
  return {
    final,
    job: {
      work: 'gemm',
      statement: gemmStatement(gpu, { gemm, open }, final),
      at: at as unknown as ElementAt,
      proof: { counts, roots, ...element },
      limits: slots.gemm,
    },
    pulses: [gemm, open],
  }
}

function passesCase(
  slots: SlotNetwork,
  gpu: Announcement,
  { pulses, at, counts, roots, page }: ShownValue,
  final: Tick,
): FraudCase | string {
  const fillRound = fillRoundOf(slots, final.slot)
  if (page === undefined || pulses.fill === undefined || pulses.start === undefined) {
    return 'it shows no page'
  }
  if (fillRound === null) return 'no slot starts at that round'
  const fill = told(fillRound, pulses.fill)
  const start = told(final.slot + slots.starts.residency, pulses.start)
  const open = told(final.slot + slots.open, pulses.open)
  return {
    final,
    job: {
      work: 'residency',
      statement: passStatement(gpu, { fill, start, open }, final),
      at: at as unknown as PageAt,
      proof: { counts, roots, ...page },
      limits: slots.residency,
    },
    pulses: [fill, start, open],
  }
}
