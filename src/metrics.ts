/**
 * Every metric of a node, in one table: what it is called, what it counts and which labels it has (docs/metrics.md is made
 * from it). Names follow the conventions of Prometheus: base units, `_total` for counters.
 */
import { leaseStates } from './lease-states.ts'

/**
 * What a label may say: one of a few words, or at most so many different ones in a node's life; what is beyond is counted as
 * `other`. So no peer can make a node's metrics grow.
 */
export interface Label {
  readonly what: string
  readonly values?: readonly string[]
  readonly atMost?: number
}

/** On which nodes a metric moves; it is told on all. */
export type MetricGroup = 'every node' | 'chain' | 'miner' | 'validator' | 'renter'

export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly of: MetricGroup
  readonly help: string
  readonly labels: Readonly<Record<string, Label>>
  /** Upper ends, ascending; histograms only. */
  readonly buckets?: readonly number[]
}

/** What became of a request, whoever asked. */
export const callOutcomes = [
  'ok',
  'refused',
  'timeout',
  'unreachable',
  'lost',
  'bad_message',
  'cancelled',
  'failed',
] as const
export type CallOutcome = (typeof callOutcomes)[number]

/** What a gossip message was found to be. */
export const gossipVerdicts = ['accepted', 'ignored', 'rejected'] as const
export type GossipVerdict = (typeof gossipVerdicts)[number]

/** What a node needs to be ready (`GET /readyz`). */
export const readinessChecks = ['services', 'engine', 'chain'] as const
export type ReadinessCheck = (typeof readinessChecks)[number]

export const gpuStates = ['ok', 'lost', 'paused', 'unfit'] as const
export const deviceUses = ['free', 'let', 'turn', 'barred', 'shut'] as const

/** A peer answers within milliseconds nearby, and within its protocol's deadline of some seconds at worst. */
const CALL_SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 30]
const PROOF_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 120]
const CHECK_SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 2, 10]
const PULL_SECONDS = [1, 5, 15, 60, 180, 600, 1800]

const words = (what: string, values: readonly string[]): Label => ({ what, values })
const few = (what: string, atMost: number): Label => ({ what, atMost })

const protocol = few("the protocol's name (docs/wire.md)", 48)
const code = few('the error code', 64)
const asset = few("the currency's name", 8)
const gpu = few("this machine's id of a device, as in `gpu list`", 64)
const engine = few('the name of an engine in the configuration, else `default`', 32)
const state = words('the state of the lease (docs/leases.md)', leaseStates)
const reason = few("the reason's name (docs/scoring.md)", 64)
const verdict = few("the verdict's word", 32)
const noLabels = {}

/** The table. */
export const metrics = {
  compute_node_info: {
    type: 'gauge',
    of: 'every node',
    help: 'Always 1, once for each role; the version and the market stand in the labels.',
    labels: {
      version: few("the program's version", 2),
      network: few("the market's name on the wire", 2),
      role: words('a role of this node', ['relay', 'miner', 'validator', 'renter', 'none']),
    },
  },
  compute_node_ready: {
    type: 'gauge',
    of: 'every node',
    help: 'Whether what the node needs is there (1) or not (0), as GET /readyz says.',
    labels: { check: words('what is needed', readinessChecks) },
  },
  compute_node_peers: {
    type: 'gauge',
    of: 'every node',
    help: 'Peers that the node is connected to.',
    labels: noLabels,
  },
  compute_node_connections: {
    type: 'gauge',
    of: 'every node',
    help: 'Open connections; a limited one goes through a relay.',
    labels: {
      direction: words('who dialed', ['inbound', 'outbound']),
      kind: words('how it goes', ['direct', 'relayed']),
    },
  },
  compute_node_streams: {
    type: 'gauge',
    of: 'every node',
    help: 'Open streams on all connections.',
    labels: { direction: words('who opened it', ['inbound', 'outbound']) },
  },
  compute_node_peers_greeted_total: {
    type: 'counter',
    of: 'every node',
    help: 'Connections whose peer said hello and is of this network.',
    labels: noLabels,
  },
  compute_node_gossip_messages_total: {
    type: 'counter',
    of: 'every node',
    help: 'Gossip messages that were judged, by what they were found to be.',
    labels: {
      topic: few('the middle of its name on the wire', 8),
      verdict: words('what it was', gossipVerdicts),
    },
  },
  compute_node_gossip_mesh_peers: {
    type: 'gauge',
    of: 'every node',
    help: "Peers that this node exchanges a topic's messages with directly.",
    labels: { topic: few('the middle of its name on the wire', 8) },
  },
  compute_node_dht_peers: {
    type: 'gauge',
    of: 'every node',
    help: "Peers in the DHT's routing table.",
    labels: noLabels,
  },
  compute_node_rpc_duration_seconds: {
    type: 'histogram',
    of: 'every node',
    help: 'How long requests with one answer took, those that this node asked and those that it served.',
    labels: {
      protocol,
      side: words('who answered', ['asked', 'served']),
      outcome: words('what became of it', callOutcomes),
    },
    buckets: CALL_SECONDS,
  },
  compute_node_rpc_first_item_seconds: {
    type: 'histogram',
    of: 'every node',
    help: 'How long streamed answers took to their first item, those that this node asked and those that it served.',
    labels: {
      protocol,
      side: words('who answered', ['asked', 'served']),
      outcome: words('what became of it', callOutcomes),
    },
    buckets: CALL_SECONDS,
  },
  compute_node_refusals_total: {
    type: 'counter',
    of: 'every node',
    help: 'Requests and peers that were turned away before anything acted on them: quotas, limits, malformed bytes.',
    labels: { protocol, code },
  },
  compute_node_offers: {
    type: 'gauge',
    of: 'every node',
    help: 'Standing offers known here.',
    labels: noLabels,
  },
  compute_node_capabilities: {
    type: 'gauge',
    of: 'every node',
    help: 'Capability records known here.',
    labels: noLabels,
  },
  compute_node_attestations: {
    type: 'gauge',
    of: 'every node',
    help: "Records of validators' testimony held here.",
    labels: noLabels,
  },
  compute_node_fraud_proofs: {
    type: 'gauge',
    of: 'every node',
    help: 'Proofs of fraud that stand here, against anybody.',
    labels: noLabels,
  },
  compute_node_frauds_proven_total: {
    type: 'counter',
    of: 'every node',
    help: 'Proofs of fraud that were taken in since the start.',
    labels: {
      against: words('whom it convicts', ['self', 'other']),
      kind: few('what was done (docs/proof-of-gpu.md)', 16),
    },
  },
  compute_node_sync_records_total: {
    type: 'counter',
    of: 'every node',
    help: 'Records that gossip had not brought and a comparison with a peer did.',
    labels: noLabels,
  },
  compute_node_pulse_timestamp_seconds: {
    type: 'gauge',
    of: 'every node',
    help: "Scheduled time of the beacon's newest pulse known here, Unix seconds.",
    labels: noLabels,
  },
  compute_node_clock_wrong: {
    type: 'gauge',
    of: 'every node',
    help: "1 while pulses say that this machine's clock is wrong.",
    labels: { direction: words('how it stands', ['behind', 'ahead']) },
  },
  compute_node_disk_free_bytes: {
    type: 'gauge',
    of: 'every node',
    help: 'Space that is free where the data folder is.',
    labels: noLabels,
  },
  compute_node_disk_size_bytes: {
    type: 'gauge',
    of: 'every node',
    help: 'Size of the disk where the data folder is.',
    labels: noLabels,
  },
  compute_node_checks_failing: {
    type: 'gauge',
    of: 'every node',
    help: "What a miner's machine and devices lack, as `status` lists it.",
    labels: { required: words('whether its work needs it', ['yes', 'no']) },
  },

  compute_node_chain_connected: {
    type: 'gauge',
    of: 'chain',
    help: 'Whether a chain was reached since the start.',
    labels: noLabels,
  },
  compute_node_chain_block: {
    type: 'gauge',
    of: 'chain',
    help: 'The newest final block that was read.',
    labels: noLabels,
  },
  compute_node_chain_best_block: {
    type: 'gauge',
    of: 'chain',
    help: 'The newest block at the last reading, final or not: how far it is ahead tells whether the chain finalizes.',
    labels: noLabels,
  },
  compute_node_chain_read_timestamp_seconds: {
    type: 'gauge',
    of: 'chain',
    help: 'When the subnet was last read, Unix seconds; its age is how far the node is behind.',
    labels: noLabels,
  },
  compute_node_chain_block_timestamp_seconds: {
    type: 'gauge',
    of: 'chain',
    help: "When that block was made by the chain's own clock, Unix seconds; absent on a chain that has none.",
    labels: noLabels,
  },
  compute_node_chain_endpoint_rank: {
    type: 'gauge',
    of: 'chain',
    help: 'Which of the configured endpoints is asked: 1 is the preferred one.',
    labels: noLabels,
  },
  compute_node_chain_neurons: {
    type: 'gauge',
    of: 'chain',
    help: 'Hotkeys registered in the subnet.',
    labels: noLabels,
  },
  compute_node_chain_validators: {
    type: 'gauge',
    of: 'chain',
    help: 'Validators with a permit that are known by PeerId.',
    labels: noLabels,
  },
  compute_node_chain_epoch: {
    type: 'gauge',
    of: 'chain',
    help: "The subnet's epoch.",
    labels: noLabels,
  },
  compute_node_chain_epoch_blocks_left: {
    type: 'gauge',
    of: 'chain',
    help: 'Blocks until the next epoch.',
    labels: noLabels,
  },
  compute_node_chain_bound: {
    type: 'gauge',
    of: 'chain',
    help: 'Whether a registered hotkey bound this node.',
    labels: noLabels,
  },
  compute_node_score: {
    type: 'gauge',
    of: 'chain',
    help: 'What this node earns by the testimony known here: the score of its miner.',
    labels: noLabels,
  },
  compute_node_score_reliability: {
    type: 'gauge',
    of: 'chain',
    help: 'The share of known slots in which this miner was found good, 0 to 1.',
    labels: noLabels,
  },

  compute_node_gpu_state: {
    type: 'gauge',
    of: 'miner',
    help: 'Where each device stands: 1 for the state it is in, 0 for the others.',
    labels: { gpu, state: words('where it stands (docs/gpus.md)', gpuStates) },
  },
  compute_node_gpu_info: {
    type: 'gauge',
    of: 'miner',
    help: 'Always 1; the name and the driver stand in the labels.',
    labels: {
      gpu,
      name: few('its name', 64),
      driver: few("the driver's version", 64),
    },
  },
  compute_node_gpu_temperature_celsius: {
    type: 'gauge',
    of: 'miner',
    help: 'Temperature of a device.',
    labels: { gpu },
  },
  compute_node_gpu_power_watts: {
    type: 'gauge',
    of: 'miner',
    help: 'Power that a device draws.',
    labels: { gpu },
  },
  compute_node_gpu_power_limit_watts: {
    type: 'gauge',
    of: 'miner',
    help: 'The limit of its power that is in force.',
    labels: { gpu },
  },
  compute_node_gpu_utilization_ratio: {
    type: 'gauge',
    of: 'miner',
    help: 'How busy a device is, 0 to 1.',
    labels: { gpu },
  },
  compute_node_gpu_memory_used_bytes: {
    type: 'gauge',
    of: 'miner',
    help: 'Memory of a device that is in use.',
    labels: { gpu },
  },
  compute_node_gpu_memory_size_bytes: {
    type: 'gauge',
    of: 'miner',
    help: 'Memory of a device.',
    labels: { gpu },
  },
  compute_node_gpu_memory_errors: {
    type: 'gauge',
    of: 'miner',
    help: 'Uncorrected memory errors of a device since its driver was loaded.',
    labels: { gpu },
  },
  compute_node_gpu_filled: {
    type: 'gauge',
    of: 'miner',
    help: 'Whether a device holds the fill of the running epoch.',
    labels: { gpu },
  },
  compute_node_gpu_fill_seconds: {
    type: 'histogram',
    of: 'miner',
    help: 'How long fills took.',
    labels: noLabels,
    buckets: PROOF_SECONDS,
  },
  compute_node_gpu_fills_failed_total: {
    type: 'counter',
    of: 'miner',
    help: 'Fills that failed.',
    labels: { code },
  },
  compute_node_slots_proved_total: {
    type: 'counter',
    of: 'miner',
    help: 'Slots of devices that were proven: their openings were sent.',
    labels: { gpu },
  },
  compute_node_slots_failed_total: {
    type: 'counter',
    of: 'miner',
    help: 'Slots of devices that came to nothing here, by why.',
    labels: { gpu, code },
  },
  compute_node_slot_prove_seconds: {
    type: 'histogram',
    of: 'miner',
    help: 'How long it took to make the openings of a slot.',
    labels: noLabels,
    buckets: PROOF_SECONDS,
  },
  compute_node_devices: {
    type: 'gauge',
    of: 'miner',
    help: 'Devices of this miner by what becomes of them: free, let, held for a turn, barred by their state, shut because their engine or owner takes no leases.',
    labels: { use: words('what becomes of it', deviceUses) },
  },
  compute_node_leases: {
    type: 'gauge',
    of: 'miner',
    help: 'Leases that this miner hosts and that are not over.',
    labels: { state },
  },
  compute_node_leases_unpaid: {
    type: 'gauge',
    of: 'miner',
    help: 'Reservations whose money was not seen yet.',
    labels: noLabels,
  },
  compute_node_lease_requests_total: {
    type: 'counter',
    of: 'miner',
    help: 'Leases that renters reserved here.',
    labels: noLabels,
  },
  compute_node_leases_ended_total: {
    type: 'counter',
    of: 'miner',
    help: 'Leases hosted here that ended, by whose doing it was.',
    labels: { fault: few('whose doing the end was', 16) },
  },
  compute_node_lease_out_of_memory_total: {
    type: 'counter',
    of: 'miner',
    help: 'Times that processes in leases were killed for want of memory.',
    labels: noLabels,
  },
  compute_node_queue_waiting: {
    type: 'gauge',
    of: 'miner',
    help: 'Renters that wait in the queue.',
    labels: noLabels,
  },
  compute_node_engine_up: {
    type: 'gauge',
    of: 'miner',
    help: 'Whether an engine answers and takes new leases.',
    labels: { engine },
  },
  compute_node_engine_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    of: 'miner',
    help: "When this node's certificate for an engine expires, Unix seconds.",
    labels: { engine },
  },
  compute_node_image_pull_seconds: {
    type: 'histogram',
    of: 'miner',
    help: 'How long the images of leases took to be there.',
    labels: noLabels,
    buckets: PULL_SECONDS,
  },
  compute_node_billed_total: {
    type: 'counter',
    of: 'miner',
    help: 'What receipts claimed since the start, in units of the currency.',
    labels: { asset },
  },
  compute_node_settled_total: {
    type: 'counter',
    of: 'miner',
    help: 'What leases hosted here were paid since the start, in units of the currency.',
    labels: { asset },
  },
  compute_node_price_per_hour: {
    type: 'gauge',
    of: 'miner',
    help: 'What one device costs per hour now, in units of the currency.',
    labels: { asset },
  },
  compute_node_let_ratio: {
    type: 'gauge',
    of: 'miner',
    help: 'The share of the devices that is let now, 0 to 1; its average over time is their utilisation.',
    labels: noLabels,
  },
  compute_node_draining: {
    type: 'gauge',
    of: 'miner',
    help: '1 while no new leases are taken.',
    labels: noLabels,
  },

  compute_node_slot_gpus: {
    type: 'gauge',
    of: 'validator',
    help: 'Devices that the newest slot was about.',
    labels: noLabels,
  },
  compute_node_slot_coverage_ratio: {
    type: 'gauge',
    of: 'validator',
    help: 'The share of the devices of the slot before that got a verdict here, 0 to 1.',
    labels: noLabels,
  },
  compute_node_verdicts_total: {
    type: 'counter',
    of: 'validator',
    help: 'Verdicts that this validator gave on devices.',
    labels: { verdict },
  },
  compute_node_verify_seconds: {
    type: 'histogram',
    of: 'validator',
    help: 'How long it took to check the openings of one device.',
    labels: noLabels,
    buckets: CHECK_SECONDS,
  },
  compute_node_abstentions_total: {
    type: 'counter',
    of: 'validator',
    help: 'Slots that this validator said nothing about.',
    labels: { reason },
  },
  compute_node_scores_computed_total: {
    type: 'counter',
    of: 'validator',
    help: 'Times that scores were computed anew.',
    labels: noLabels,
  },
  compute_node_miners_scored: {
    type: 'gauge',
    of: 'validator',
    help: 'Miners that the newest scores name.',
    labels: noLabels,
  },
  compute_node_weights_set_total: {
    type: 'counter',
    of: 'validator',
    help: 'Epochs whose weights were set.',
    labels: { way: words('how', ['direct', 'hash', 'timelock']) },
  },
  compute_node_weights_set_timestamp_seconds: {
    type: 'gauge',
    of: 'validator',
    help: 'When weights were last set since the start, Unix seconds.',
    labels: noLabels,
  },
  compute_node_weights_age_blocks: {
    type: 'gauge',
    of: 'validator',
    help: "Blocks since this hotkey's last weights, by the chain.",
    labels: noLabels,
  },
  compute_node_weights_due: {
    type: 'gauge',
    of: 'validator',
    help: '1 while the weights of the running epoch are not set.',
    labels: noLabels,
  },
  compute_node_weights_waits_total: {
    type: 'counter',
    of: 'validator',
    help: 'Why weights were not set yet, once per epoch and reason.',
    labels: { reason },
  },
  compute_node_weights_missed_total: {
    type: 'counter',
    of: 'validator',
    help: 'Epochs that passed without weights.',
    labels: { reason },
  },
  compute_node_weights_reveals_pending: {
    type: 'gauge',
    of: 'validator',
    help: 'Weights that were committed and are not revealed yet.',
    labels: noLabels,
  },
  compute_node_weights_revealed_total: {
    type: 'counter',
    of: 'validator',
    help: 'Weights that were revealed.',
    labels: noLabels,
  },
  compute_node_weights_reveals_lost_total: {
    type: 'counter',
    of: 'validator',
    help: 'Committed weights whose time to be revealed passed.',
    labels: noLabels,
  },

  compute_node_rented_leases: {
    type: 'gauge',
    of: 'renter',
    help: 'Leases that this node rents and that are not over.',
    labels: { state },
  },
  compute_node_paid_total: {
    type: 'counter',
    of: 'renter',
    help: 'What leases of this node were settled for since the start, in units of the currency.',
    labels: { asset },
  },
  compute_node_spending_today: {
    type: 'gauge',
    of: 'renter',
    help: "Today's spending (UTC) in units of the currency: spent by receipts, committed at most, and the cap where there is one.",
    labels: { asset, kind: words('what of it', ['spent', 'committed', 'cap']) },
  },
} as const satisfies Readonly<Record<`compute_node_${string}`, Metric>>

type Table = typeof metrics
export type MetricName = keyof Table
type Of<T extends Metric['type']> = {
  [K in MetricName]: Table[K]['type'] extends T ? K : never
}[MetricName]
export type CounterName = Of<'counter'>
export type GaugeName = Of<'gauge'>
export type HistogramName = Of<'histogram'>
/** The labels of one metric. */
export type LabelsOf<K extends MetricName> = {
  readonly [L in keyof Table[K]['labels']]: string
}

/** Metrics of the libraries that dashboards and alerts use; docs/metrics.md says where the others are described. */
export const libraryMetrics: Readonly<
  Record<string, Pick<Metric, 'type' | 'help'> & { labels: readonly string[] }>
> = {
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time of the process, user and system.',
    labels: [],
  },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the process.', labels: [] },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'When the process started, Unix seconds.',
    labels: [],
  },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', labels: [] },
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'How late the event loop was, the 99th percentile since the last scrape.',
    labels: [],
  },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: "V8's heap in use.", labels: [] },
  libp2p_data_transfer_bytes_total: {
    type: 'counter',
    help: 'Bytes of the streams of each protocol, `NAME sent` and `NAME received`; `global` has only what was said before a connection was encrypted.',
    labels: ['protocol'],
  },
  libp2p_connection_manager_dial_errors_total: {
    type: 'counter',
    help: 'Dials that failed.',
    labels: [],
  },
}
