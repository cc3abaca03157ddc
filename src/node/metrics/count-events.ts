import { formatAmount, isAsset } from '../../protocols/money.ts'
import type { Events, NodeEvent } from '../events.ts'
import type { Meters } from './meters.ts'

export interface CountNeeds {
  readonly events: Pick<Events, 'subscribe'>
  readonly meters: Meters
  readonly peerId: string
  /** Whether this node hosts leases and rents none: it settles no others. */
  readonly hostsOnly: boolean
}

/** What a count needs of the events before it. */
interface Counting extends CountNeeds {
  /** Leases hosted here, with what their receipts claimed so far, base units. */
  readonly hosted: Map<string, bigint>
  /** Devices of the running slot, and how many of them got a verdict. */
  readonly slot: { number: number; gpus: number; verdicts: number }
}

type Count = (event: NodeEvent, counting: Counting) => void

/** Maps what happens in a node to its metrics, until `signal` aborts. */
export function countEvents(needs: CountNeeds, signal: AbortSignal): void {
  const counting: Counting = {
    ...needs,
    hosted: new Map(),
    slot: { number: 0, gpus: 0, verdicts: 0 },
  }
  needs.events.subscribe((event) => counts[event.event]?.(event, counting), signal)
}

const text = (value: unknown): string => (value == null ? 'none' : String(value))
const seconds = (ms: unknown): number => Number(ms) / 1000
const nothing = {}

const counts: Readonly<Record<string, Count>> = {
  'peer-greeted': (_, { meters }) => meters.count('compute_node_peers_greeted_total', nothing),
  'request-refused': ({ protocol, code }, { meters }) =>
    meters.count('compute_node_refusals_total', { protocol: text(protocol), code: text(code) }),
  'books-synced': ({ records }, { meters }) =>
    meters.count('compute_node_sync_records_total', nothing, Number(records)),
  'fraud-proven': ({ kind, accused, miner }, { meters, peerId }) =>
    meters.count('compute_node_frauds_proven_total', {
      against: accused === peerId || (accused == null && miner === peerId) ? 'self' : 'other',
      kind: text(kind),
    }),
  'chain-read': ({ atMs, best }, { meters }) => {
    meters.set('compute_node_chain_read_timestamp_seconds', nothing, seconds(atMs))
    meters.set('compute_node_chain_best_block', nothing, Number(best))
  },
  'miner-scored': ({ miner, score, reliability }, { meters, peerId }) => {
    if (miner !== peerId) return
    meters.set('compute_node_score', nothing, Number(score))
    meters.set('compute_node_score_reliability', nothing, Number(reliability))
  },

  'gpu-filled': ({ fillMs }, { meters }) =>
    meters.observe('compute_node_gpu_fill_seconds', nothing, seconds(fillMs)),
  'gpu-not-filled': ({ code }, { meters }) =>
    meters.count('compute_node_gpu_fills_failed_total', { code: text(code) }),
  'challenge-proved': ({ gpu, proveMs }, { meters }) => {
    meters.count('compute_node_slots_proved_total', { gpu: text(gpu) })
    meters.observe('compute_node_slot_prove_seconds', nothing, seconds(proveMs))
  },
  'challenge-failed': ({ gpu, code }, { meters }) =>
    meters.count('compute_node_slots_failed_total', { gpu: text(gpu), code: text(code) }),
  'slot-abandoned': ({ gpu }, { meters }) =>
    meters.count('compute_node_slots_failed_total', { gpu: text(gpu), code: 'ABANDONED' }),

  'lease-requested': ({ id }, { meters, hosted }) => {
    meters.count('compute_node_lease_requests_total', nothing)
    hosted.set(text(id), 0n)
  },
  'image-pulled': ({ ms }, { meters }) =>
    meters.observe('compute_node_image_pull_seconds', nothing, seconds(ms)),
  'receipt-issued': ({ id, seq, cumulative, asset }, { meters, hosted }) => {
    const [now, before] = [BigInt(text(cumulative)), hosted.get(text(id))]
    hosted.set(text(id), now)
    // What a run before this one claimed is not this one's.
    const from = before ?? (Number(seq) <= 1 ? 0n : now)
    meters.count('compute_node_billed_total', { asset: text(asset) }, amount(now - from, asset))
  },
  'lease-out-of-memory': ({ id }, { meters, hosted, hostsOnly }) => {
    if (hostsOnly || hosted.has(text(id))) {
      meters.count('compute_node_lease_out_of_memory_total', nothing)
    }
  },
  'lease-ended': ({ id, fault }, { meters, hosted, hostsOnly }) => {
    if (!hostsOnly && !hosted.has(text(id))) return
    meters.count('compute_node_leases_ended_total', { fault: text(fault) })
  },
  'lease-settled': ({ id, amount: units, asset }, { meters, hosted, hostsOnly }) => {
    const isHosted = hosted.delete(text(id)) || hostsOnly
    const name = isHosted ? 'compute_node_settled_total' : 'compute_node_paid_total'
    meters.count(name, { asset: text(asset) }, amount(BigInt(text(units)), asset))
  },

  'slot-started': ({ slot, gpus }, { meters, slot: running }) => {
    if (gpus === undefined) return // a miner's
    if (running.gpus > 0) {
      const share = Math.min(1, running.verdicts / running.gpus)
      meters.set('compute_node_slot_coverage_ratio', nothing, share)
    }
    Object.assign(running, { number: Number(slot), gpus: Number(gpus), verdicts: 0 })
    meters.set('compute_node_slot_gpus', nothing, Number(gpus))
  },
  'slot-verdict': ({ slot, verdict, verifyMs }, { meters, slot: running }) => {
    meters.count('compute_node_verdicts_total', { verdict: text(verdict) })
    if (Number(verifyMs) > 0) {
      meters.observe('compute_node_verify_seconds', nothing, seconds(verifyMs))
    }
    if (slot === running.number) running.verdicts++
  },
  'slot-abstained': ({ why }, { meters }) =>
    meters.count('compute_node_abstentions_total', { reason: text(why) }),
  'scores-computed': ({ miners }, { meters }) => {
    meters.count('compute_node_scores_computed_total', nothing)
    meters.set('compute_node_miners_scored', nothing, Number(miners))
  },
  'weights-set': ({ how, atMs }, { meters }) => {
    meters.count('compute_node_weights_set_total', { way: text(how) })
    meters.set('compute_node_weights_set_timestamp_seconds', nothing, seconds(atMs))
  },
  'weights-waiting': ({ reason }, { meters }) =>
    meters.count('compute_node_weights_waits_total', { reason: text(reason) }),
  'weights-missed': ({ reason }, { meters }) =>
    meters.count('compute_node_weights_missed_total', { reason: text(reason) }),
  'weights-revealed': (_, { meters }) =>
    meters.count('compute_node_weights_revealed_total', nothing),
  'weights-reveal-lost': (_, { meters }) =>
    meters.count('compute_node_weights_reveals_lost_total', nothing),
}

/** Names of the events that move a metric. */
export const countedEvents: readonly string[] = Object.keys(counts)

/** Base units in units of the currency, as near as a number comes; never below 0, for a counter does not fall. */
function amount(units: bigint, asset: unknown): number {
  const positive = units < 0n ? 0n : units
  return isAsset(text(asset)) ? Number(formatAmount(positive, text(asset))) : Number(positive)
}
