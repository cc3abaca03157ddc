/** What the dashboards of config/grafana show, in rows; `npm run docs` writes them. */

/** One panel: what it asks, and how it shows it. */
interface Panel {
  readonly title: string
  readonly unit: string
  /** PromQL with the legend of its series; `$instance` and `$rate` stand for the node and the interval of rates. */
  readonly asks: readonly (readonly [query: string, legend: string])[]
  /** One number instead of a curve. */
  readonly isStat?: boolean
  /** From which value on it is orange and red; in falling order where low is bad. */
  readonly thresholds?: readonly [orange: number, red: number]
  /** What it tells, where its title does not say it. */
  readonly description?: string
}

interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly rows: readonly (readonly [title: string, panels: readonly Panel[]])[]
}

const here = '{instance=~"$instance"}'
const rate = (metric: string, labels = ''): string =>
  `rate(${metric}{instance=~"$instance"${labels}}[$__rate_interval])`
const now = (metric: string, labels = ''): string => `${metric}{instance=~"$instance"${labels}}`
/**
 * How much a counter grew within a time. Series of labels begin when they are first counted, at 1 already, which
 * `increase` does not see: of one that began while the node was watched, all that it says is new.
 */
const grown = (metric: string, time: string): string => {
  const series = now(metric)
  const began = `(${series} unless ${series} offset ${time})`
  return `(${began} and on (instance) up offset ${time}) or increase(${series}[${time}])`
}
const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (le${by}) (${rate(`${metric}_bucket`)}))`

const BYTES = 'libp2p_data_transfer_bytes_total'

const stat = (title: string, unit: string, query: string, more: Partial<Panel> = {}): Panel => ({
  title,
  unit,
  asks: [[query, '{{instance}}']],
  isStat: true,
  ...more,
})

const health: Dashboard['rows'][number] = [
  'Health',
  [
    stat('Ready', 'bool_yes_no', `min by (instance) (${now('compute_node_ready')})`, {
      thresholds: [1, 0.5],
      description: 'All of what GET /readyz looks at.',
    }),
    stat('Running for', 's', `time() - ${now('process_start_time_seconds')}`),
    stat('Peers', 'short', now('compute_node_peers'), { thresholds: [3, 1] }),
    stat('Checks that fail', 'short', now('compute_node_checks_failing', ', required="yes"'), {
      thresholds: [1, 1],
    }),
    stat(
      'Free disk',
      'percentunit',
      `${now('compute_node_disk_free_bytes')} / ${now('compute_node_disk_size_bytes')}`,
      { thresholds: [0.15, 0.05] },
    ),
    stat('Clock', 'bool_yes_no', `1 - max by (instance) (${now('compute_node_clock_wrong')})`, {
      thresholds: [1, 0.5],
      description: 'Whether pulses find nothing wrong with it.',
    }),
  ],
]

const process: Dashboard['rows'][number] = [
  'Process',
  [
    {
      title: 'Processor',
      unit: 'percentunit',
      asks: [[rate('process_cpu_seconds_total'), '{{instance}}']],
    },
    {
      title: 'Memory',
      unit: 'bytes',
      asks: [
        [now('process_resident_memory_bytes'), 'resident'],
        [now('nodejs_heap_size_used_bytes'), 'heap'],
      ],
    },
    {
      title: 'Event loop lag, 99th percentile',
      unit: 's',
      asks: [[now('nodejs_eventloop_lag_p99_seconds'), '{{instance}}']],
      thresholds: [0.2, 1],
    },
    {
      title: 'Open files',
      unit: 'short',
      asks: [[now('process_open_fds'), '{{instance}}']],
    },
  ],
]

const network: Dashboard['rows'][number] = [
  'Network',
  [
    {
      title: 'Connections',
      unit: 'short',
      asks: [[now('compute_node_connections'), '{{direction}} {{kind}}']],
    },
    {
      title: 'Bytes of all streams',
      unit: 'Bps',
      asks: [
        [`sum by (instance) (${rate(BYTES, ', protocol=~".* sent"')})`, '{{instance}} sent'],
        [
          `sum by (instance) (${rate(BYTES, ', protocol=~".* received"')})`,
          '{{instance}} received',
        ],
      ],
    },
    {
      title: 'Gossip',
      unit: 'ops',
      asks: [
        [
          `sum by (topic, verdict) (${rate('compute_node_gossip_messages_total')})`,
          '{{topic}} {{verdict}}',
        ],
      ],
    },
    {
      title: 'Mesh and DHT',
      unit: 'short',
      asks: [
        [now('compute_node_gossip_mesh_peers'), 'mesh of {{topic}}'],
        [now('compute_node_dht_peers'), 'DHT'],
      ],
    },
    {
      title: 'Requests, 95th percentile',
      unit: 's',
      asks: [
        [quantile(0.95, 'compute_node_rpc_duration_seconds', ', side'), '{{side}}'],
        [
          quantile(0.95, 'compute_node_rpc_first_item_seconds', ', side'),
          '{{side}}, first item of a stream',
        ],
      ],
    },
    {
      title: 'Requests by outcome',
      unit: 'reqps',
      asks: [
        [
          `sum by (side, outcome) (${rate('compute_node_rpc_duration_seconds_count')})`,
          '{{side}} {{outcome}}',
        ],
      ],
    },
    {
      title: 'Refused',
      unit: 'ops',
      asks: [[`sum by (code) (${rate('compute_node_refusals_total')})`, '{{code}}']],
    },
    {
      title: 'Market known here',
      unit: 'short',
      asks: [
        [now('compute_node_offers'), 'offers'],
        [now('compute_node_capabilities'), 'capabilities'],
        [now('compute_node_attestations'), 'attestations'],
        [now('compute_node_fraud_proofs'), 'proofs of fraud'],
      ],
    },
  ],
]

const chain: Dashboard['rows'][number] = [
  'Chain',
  [
    stat('Last reading', 's', `time() - ${now('compute_node_chain_read_timestamp_seconds')}`, {
      thresholds: [90, 180],
    }),
    stat('Final block', 'none', now('compute_node_chain_block')),
    stat(
      'Blocks not final yet',
      'none',
      `${now('compute_node_chain_best_block')} - ${now('compute_node_chain_block')}`,
    ),
    stat('Endpoint asked', 'none', now('compute_node_chain_endpoint_rank'), {
      thresholds: [2, 3],
      description: '1 is the preferred one of the configuration.',
    }),
    stat('Bound to a hotkey', 'bool_yes_no', now('compute_node_chain_bound'), {
      thresholds: [1, 0.5],
    }),
    {
      title: 'Blocks left in the epoch',
      unit: 'short',
      asks: [[now('compute_node_chain_epoch_blocks_left'), '{{instance}}']],
    },
    {
      title: 'Newest pulse of the beacon',
      unit: 's',
      asks: [[`time() - ${now('compute_node_pulse_timestamp_seconds')}`, 'age']],
    },
  ],
]

const miner: Dashboard = {
  uid: 'compute-node-miner',
  title: 'compute-node: miner',
  rows: [
    health,
    [
      'Devices',
      [
        {
          title: 'State',
          unit: 'short',
          asks: [[`sum by (state) (${now('compute_node_gpu_state')})`, '{{state}}']],
        },
        {
          title: 'Temperature',
          unit: 'celsius',
          asks: [[now('compute_node_gpu_temperature_celsius'), '{{gpu}}']],
          thresholds: [80, 88],
        },
        {
          title: 'Power',
          unit: 'watt',
          asks: [
            [now('compute_node_gpu_power_watts'), '{{gpu}}'],
            [now('compute_node_gpu_power_limit_watts'), '{{gpu}} limit'],
          ],
        },
        {
          title: 'Load',
          unit: 'percentunit',
          asks: [[now('compute_node_gpu_utilization_ratio'), '{{gpu}}']],
        },
        {
          title: 'Memory in use',
          unit: 'percentunit',
          asks: [
            [
              `${now('compute_node_gpu_memory_used_bytes')} / ${now('compute_node_gpu_memory_size_bytes')}`,
              '{{gpu}}',
            ],
          ],
        },
        {
          title: 'Memory errors',
          unit: 'short',
          asks: [[now('compute_node_gpu_memory_errors'), '{{gpu}}']],
          thresholds: [1, 10],
        },
      ],
    ],
    [
      'Proofs',
      [
        {
          title: 'Slots in an hour',
          unit: 'short',
          asks: [
            [`sum by (gpu) (${grown('compute_node_slots_proved_total', '1h')})`, '{{gpu}} proved'],
            [
              `sum by (gpu, code) (${grown('compute_node_slots_failed_total', '1h')})`,
              '{{gpu}} {{code}}',
            ],
          ],
        },
        {
          title: 'Making openings, 95th percentile',
          unit: 's',
          asks: [[quantile(0.95, 'compute_node_slot_prove_seconds'), 'prove']],
        },
        {
          title: 'Filled',
          unit: 'bool_yes_no',
          asks: [[now('compute_node_gpu_filled'), '{{gpu}}']],
        },
        {
          title: 'Score',
          unit: 'short',
          asks: [
            [now('compute_node_score'), 'score'],
            [now('compute_node_score_reliability'), 'reliability'],
          ],
        },
      ],
    ],
    [
      'Leases',
      [
        stat('Takes no new leases', 'bool_yes_no', now('compute_node_draining'), {
          thresholds: [1, 2],
        }),
        stat('Let, over a day', 'percentunit', `avg_over_time(compute_node_let_ratio${here}[1d])`),
        stat('Waiting', 'short', now('compute_node_queue_waiting')),
        stat('Engines', 'bool_yes_no', `min by (engine) (${now('compute_node_engine_up')})`, {
          thresholds: [1, 0.5],
        }),
        {
          title: 'Devices',
          unit: 'short',
          asks: [[`sum by (use) (${now('compute_node_devices')})`, '{{use}}']],
        },
        {
          title: 'Leases by state',
          unit: 'short',
          asks: [[`sum by (state) (${now('compute_node_leases')}) > 0`, '{{state}}']],
        },
        {
          title: 'Leases in an hour',
          unit: 'short',
          asks: [
            [`sum(increase(compute_node_lease_requests_total${here}[1h]))`, 'reserved'],
            [
              `sum by (fault) (${grown('compute_node_leases_ended_total', '1h')})`,
              'ended by {{fault}}',
            ],
          ],
        },
        {
          title: 'Images, 95th percentile',
          unit: 's',
          asks: [[quantile(0.95, 'compute_node_image_pull_seconds'), 'pull']],
        },
        {
          title: 'Income in a day',
          unit: 'short',
          asks: [
            [`sum by (asset) (${grown('compute_node_billed_total', '1d')})`, '{{asset}} billed'],
            [`sum by (asset) (${grown('compute_node_settled_total', '1d')})`, '{{asset}} settled'],
          ],
        },
        {
          title: 'Price of a device-hour',
          unit: 'short',
          asks: [[now('compute_node_price_per_hour'), '{{asset}}']],
        },
      ],
    ],
    chain,
    network,
    process,
  ],
}

const validator: Dashboard = {
  uid: 'compute-node-validator',
  title: 'compute-node: validator',
  rows: [
    health,
    [
      'Slots',
      [
        stat('Devices of the slot', 'short', now('compute_node_slot_gpus')),
        stat('Coverage', 'percentunit', now('compute_node_slot_coverage_ratio'), {
          thresholds: [0.9, 0.5],
          description: 'The share of the devices of the slot before that got a verdict.',
        }),
        {
          title: 'Verdicts in an hour',
          unit: 'short',
          asks: [
            [`sum by (verdict) (${grown('compute_node_verdicts_total', '1h')})`, '{{verdict}}'],
          ],
        },
        {
          title: 'Checking openings, 95th percentile',
          unit: 's',
          asks: [[quantile(0.95, 'compute_node_verify_seconds'), 'verify']],
        },
        {
          title: 'Abstentions in an hour',
          unit: 'short',
          asks: [
            [`sum by (reason) (${grown('compute_node_abstentions_total', '1h')})`, '{{reason}}'],
          ],
        },
        {
          title: 'Frauds proven in a day',
          unit: 'short',
          asks: [
            [
              `sum by (against, kind) (${grown('compute_node_frauds_proven_total', '1d')})`,
              '{{kind}} against {{against}}',
            ],
          ],
        },
      ],
    ],
    [
      'Weights',
      [
        stat('Due', 'bool_yes_no', now('compute_node_weights_due'), { thresholds: [1, 2] }),
        stat('Age in blocks', 'short', now('compute_node_weights_age_blocks')),
        stat(
          'Last set',
          's',
          `time() - (${now('compute_node_weights_set_timestamp_seconds')} > 0)`,
        ),
        stat('Reveals that wait', 'short', now('compute_node_weights_reveals_pending')),
        {
          title: 'Set and missed in a day',
          unit: 'short',
          asks: [
            [`sum by (way) (${grown('compute_node_weights_set_total', '1d')})`, 'set, {{way}}'],
            [
              `sum by (reason) (${grown('compute_node_weights_missed_total', '1d')})`,
              'missed: {{reason}}',
            ],
          ],
        },
        {
          title: 'Miners scored',
          unit: 'short',
          asks: [[now('compute_node_miners_scored'), '{{instance}}']],
        },
      ],
    ],
    chain,
    network,
    process,
  ],
}

const relay: Dashboard = {
  uid: 'compute-node-relay',
  title: 'compute-node: relay',
  rows: [
    health,
    [
      'Relaying',
      [
        {
          title: 'Streams',
          unit: 'short',
          asks: [[now('compute_node_streams'), '{{direction}}']],
        },
        {
          title: 'Peers greeted',
          unit: 'ops',
          asks: [[rate('compute_node_peers_greeted_total'), '{{instance}}']],
        },
        {
          title: 'Records that sync brought',
          unit: 'ops',
          asks: [[rate('compute_node_sync_records_total'), '{{instance}}']],
        },
        {
          title: 'Dials that failed',
          unit: 'ops',
          asks: [[rate('libp2p_connection_manager_dial_errors_total'), '{{instance}}']],
        },
      ],
    ],
    network,
    chain,
    process,
  ],
}

const COLUMNS = 24
const STAT = { w: 4, h: 4 }
const CURVE = { w: 8, h: 8 }
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }

/** Panels left to right, each row under its title. */
function panelsOf({ rows }: Dashboard): object[] {
  const panels: object[] = []
  let y = 0
  for (const [title, inRow] of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y, w: COLUMNS, h: 1 },
    })
    y += 1
    let [x, height] = [0, 0]
    for (const panel of inRow) {
      const { w, h } = panel.isStat === true ? STAT : CURVE
      if (x + w > COLUMNS || (height > 0 && h !== height)) {
        y += height
        x = 0
      }
      height = h
      panels.push(grafanaPanel(panel, panels.length + 1, { x, y, w, h }))
      x += w
    }
    y += height
  }
  return panels
}

function grafanaPanel(panel: Panel, id: number, gridPos: object): object {
  const { title, unit, asks, isStat = false, description } = panel
  return {
    id,
    type: isStat ? 'stat' : 'timeseries',
    title,
    ...(description === undefined ? {} : { description }),
    datasource: DATASOURCE,
    gridPos,
    targets: asks.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat,
    })),
    fieldConfig: {
      defaults: { unit, ...(isStat ? {} : { min: 0 }), thresholds: thresholdsOf(panel) },
      overrides: [],
    },
    options: isStat
      ? { colorMode: 'background', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'] } }
      : {
          legend: { displayMode: 'list', placement: 'bottom' },
          tooltip: { mode: 'multi', sort: 'desc' },
        },
  }
}

/** Grafana's steps go up: where low is bad, red comes first. */
function thresholdsOf({ thresholds }: Panel): object {
  if (thresholds === undefined)
    return { mode: 'absolute', steps: [{ color: 'green', value: null }] }
  const [orange, red] = thresholds
  const steps =
    orange <= red
      ? [
          { color: 'green', value: null },
          { color: 'orange', value: orange },
          ...(red === orange ? [] : [{ color: 'red', value: red }]),
        ]
      : [
          { color: 'red', value: null },
          { color: 'orange', value: red },
          { color: 'green', value: orange },
        ]
  return { mode: 'absolute', steps }
}

function grafanaDashboard(dashboard: Dashboard): object {
  const { uid, title } = dashboard
  return {
    uid,
    title,
    tags: ['compute-node'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
        {
          name: 'instance',
          label: 'Node',
          type: 'query',
          datasource: DATASOURCE,
          query: { query: 'label_values(compute_node_info, instance)', refId: 'instances' },
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panelsOf(dashboard),
  }
}

/** The files of config/grafana, by name. */
export const dashboardFiles = (): ReadonlyMap<string, string> =>
  new Map(
    Object.entries({ miner, validator, relay }).map(([name, dashboard]) => [
      `${name}.json`,
      `${JSON.stringify(grafanaDashboard(dashboard), null, 2)}\n`,
    ]),
  )
