import { hash } from 'node:crypto'
import type { Pulse } from '../../beacon.ts'
import type { ElementAt } from '../../gpu/element-proof.ts'
import type { ShownJob } from '../../gpu/judge-shown.ts'
import type { PageAt } from '../../gpu/residency-proof.ts'
import { type Announcement, type Final, gemmStatement, passStatement } from '../../gpu/slot.ts'
import type { SlotNetwork, Work } from '../../gpu/slot-network.ts'
import { fillRoundOf, mayStart } from '../../gpu/slot-schedule.ts'
import type { ShownChain } from '../../gpu/tick-chain.ts'
import { type Fraud, finalOf, type ShownValue, workOf } from '../../protocols/fraud.ts'
import type { Network } from '../../protocols/network.ts'

/** What a proof of fraud comes to once everything but the shown bytes is derived. */
export interface FraudCase {
  readonly final: Final
  readonly job: ShownJob | ChainJob
  /** Nothing is proven unless the beacon sent these. */
  readonly pulses: readonly Pulse[]
}

/** A chain alone, to be held against what its close tells; judged where it stands, for it takes a few hashes. */
export interface ChainJob {
  readonly work: Work
  readonly chain: ShownChain
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
  { pulses, at, counts, roots, element, page }: ShownValue,
  final: Final,
): FraudCase | string {
  if (pulses.gemm === undefined) return 'it shows no element'
  const gemm = told(final.slot + slots.starts.gemm, pulses.gemm)
  const open = told(final.slot + slots.open, pulses.open)
  const statement = gemmStatement(gpu, { gemm, open }, final)
  if (element === undefined && page === undefined) {
    const chain = { ...closeOf(final), seed: statement.seed, counts, roots }
    return { final, job: { work: 'gemm', chain }, pulses: [gemm, open] }
  }
  if (element === undefined) return 'it shows no element'
  return {
    final,
    job: {
      work: 'gemm',
      statement,
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
  final: Final,
): FraudCase | string {
  const fillRound = fillRoundOf(slots, final.slot)
  if (pulses.fill === undefined || pulses.start === undefined) return 'it shows no page'
  if (fillRound === null) return 'no slot starts at that round'
  const fill = told(fillRound, pulses.fill)
  const start = told(final.slot + slots.starts.residency, pulses.start)
  const open = told(final.slot + slots.open, pulses.open)
  const statement = passStatement(gpu, { fill, start, open }, final)
  if (page === undefined) {
    const chain = { ...closeOf(final), seed: statement.passSeed, counts, roots }
    return { final, job: { work: 'residency', chain }, pulses: [fill, start, open] }
  }
  return {
    final,
    job: {
      work: 'residency',
      statement,
      at: at as unknown as PageAt,
      proof: { counts, roots, ...page },
      limits: slots.residency,
    },
    pulses: [fill, start, open],
  }
}

/** What a close states of its chain. */
const closeOf = ({ count, k, head }: Final) => ({ total: count, ticks: k, closing: head })
