import { type Label, libraryMetrics, type Metric, metrics } from '../src/metrics.ts'

/** docs/metrics.md, made from the table of metrics. */
export function renderMetricsPage(): string {
  const groups = Map.groupBy(Object.entries<Metric>(metrics), ([, metric]) => metric.of)
  return `${[
    '# Metrics',
    '',
    '<!-- Made by `npm run docs` from the table in src/metrics.ts; edit that. -->',
    '',
    ...intro,
    ...[...groups].flatMap(([of, rows]) => [
      `## ${titles[of]}`,
      '',
      ...table(
        ['metric', 'type', 'labels', 'what'],
        rows.map(([name, metric]) => [
          `\`${name}\``,
          metric.type,
          Object.keys(metric.labels)
            .map((label) => `\`${label}\``)
            .join(', '),
          metric.help,
        ]),
      ),
      '',
    ]),
    '## Labels',
    '',
    'No label can grow without bound: it says one of the words below, or at most so many different ones, and `other` beyond that. No label names a peer, a lease or an image.',
    '',
    ...table(['label', 'of', 'what it says'], labelRows()),
    '',
    ...libraries,
  ].join('\n')}\n`
}

const titles: Readonly<Record<Metric['of'], string>> = {
  'every node': 'Of every node',
  chain: 'Of nodes that follow a chain',
  miner: 'Of miners',
  validator: 'Of validators',
  renter: 'Of renters',
}

const intro =
  `Every node tells these at \`GET /metrics\` of its control API, in the text format of Prometheus: over the unix socket in its data folder, and on loopback with \`--api-port\` and the token of \`control.token\` or one of scope read. [config/prometheus](../config/prometheus) has a configuration with alerts, [config/grafana](../config/grafana) dashboards for miners, validators and relays, and [operations.md](operations.md) says what to do about each alert.

\`\`\`
curl --unix-socket DATA_DIR/control.sock http://node/metrics
curl -H "Authorization: Bearer $(cat DATA_DIR/control.token)" http://127.0.0.1:PORT/metrics
\`\`\`

Gauges are read when they are asked for; one that nobody can tell (the temperature of a processor, the block of a node without a chain) is absent, not 0. Counters begin at 0 with the process. Amounts are in units of the currency, e.g. \`DEV\`, as near as a number comes; books are kept by receipts, not by metrics.
`.split('\n')

const libraries = [
  '## Of the libraries',
  '',
  'The process and Node (`process_…`, `nodejs_…`, as the package prom-client names them), and libp2p (`libp2p_…`, as @libp2p/prometheus-metrics does) tell theirs beside these. Dashboards and alerts here use:',
  '',
  ...table(
    ['metric', 'type', 'labels', 'what'],
    Object.entries(libraryMetrics).map(([name, { type, labels, help }]) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  ),
]

/** Labels that say the same in several metrics stand once. */
function labelRows(): string[][] {
  const rows = Object.entries<Metric>(metrics).flatMap(([name, { labels }]) =>
    Object.entries(labels).map(([label, spec]) => ({ label, says: said(spec), name })),
  )
  const same = Map.groupBy(rows, ({ label, says }) => `${label} ${says}`)
  return [...same.values()].map((all) => {
    const { label, says } = all[0]!
    const names = all.map(({ name }) => `\`${name.replace('compute_node_', '…')}\``)
    return [`\`${label}\``, names.length > 3 ? `${names.length} metrics` : names.join(', '), says]
  })
}

const said = ({ what, values, atMost }: Label): string =>
  values === undefined
    ? `${what}; at most ${atMost}`
    : `${what}: ${values.map((value) => `\`${value}\``).join(', ')}`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ]
}
