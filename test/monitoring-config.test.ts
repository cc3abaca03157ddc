import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { dashboardFiles } from '../scripts/dashboards.ts'
import { libraryMetrics, type Metric, metrics } from '../src/metrics.ts'
import { createMeters } from '../src/node/metrics/meters.ts'
import { requireOrSkip } from './support/skips.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Labels that Prometheus adds, and that histograms have. */
const ADDED = ['instance', 'job', 'le']

interface Known {
  readonly type: string
  readonly labels: readonly string[]
}
const known = new Map<string, Known>([
  ['up', { type: 'gauge', labels: [] }],
  ...Object.entries(libraryMetrics),
  ...Object.entries<Metric>(metrics).map(([name, { type, labels }]): [string, Known] => [
    name,
    { type, labels: Object.keys(labels) },
  ]),
])

/** The metric of a name in a query: a histogram has three. */
function find(name: string): Known | undefined {
  const base = name.replace(/_(bucket|sum|count)$/, '')
  return known.get(name) ?? (known.get(base)?.type === 'histogram' ? known.get(base) : undefined)
}

const KEYWORDS =
  /^(sum|min|max|avg|count|by|on|and|or|unless|offset|rate|increase|time|histogram_quantile|label_values|avg_over_time|max_over_time|bool|ignoring|without)$/

/** What is wrong with a query: metrics and labels that no node tells, rates of gauges, labels of other metrics. */
function faults(query: string, legend = ''): string[] {
  const bare = query.replace(/\$\{?\w+\}?/g, '').replace(/\[[^\]]*\]/g, '')
  const found: string[] = []
  const used: Known[] = []
  for (const [, name = '', selector = ''] of bare.matchAll(
    /\b([a-z]\w*)\b(?!\s*\()(\{[^}]*\})?/g,
  )) {
    if (selector === '' && !name.includes('_') && name !== 'up') continue // a label or a keyword
    if (KEYWORDS.test(name)) continue
    const metric = find(name)
    if (metric === undefined) {
      if (selector !== '' || /^(compute_node|libp2p|process|nodejs)_/.test(name))
        found.push(`no metric ${name}`)
      continue
    }
    used.push(metric)
    for (const [, label = '', , value = ''] of selector.matchAll(
      /(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g,
    )) {
      if (!metric.labels.includes(label) && !ADDED.includes(label))
        found.push(`${name} has no label ${label}`)
      const values = (metrics as Readonly<Record<string, Metric>>)[name]?.labels[label]?.values
      const asked = value.split('|')
      if (values !== undefined && !asked.every((one) => values.includes(one)))
        found.push(`${name} ${label} is never ${value}`)
    }
  }
  if (used.length === 0) found.push('no metric at all')
  const labels = [...ADDED, ...used.flatMap((metric) => metric.labels)]
  const grouped = [...bare.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, inside = '']) =>
    inside.split(','),
  )
  const shown = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!)
  for (const label of [...grouped.map((one) => one.trim()), ...shown]) {
    if (!labels.includes(label)) found.push(`no label ${label}`)
  }
  for (const [, name = ''] of query.matchAll(/(?:rate|increase)\(([a-z]\w*)/g)) {
    if (find(name)?.type === 'gauge') found.push(`${name} is no counter`)
  }
  const pairs = { '(': ')', '{': '}', '[': ']' }
  for (const [open, close] of Object.entries(pairs)) {
    if (query.split(open).length !== query.split(close).length) found.push(`unbalanced ${open}`)
  }
  return found.map((one) => `${one}: ${query}`)
}

test.each([
  ['rate(compute_node_verdicts_total{verdct="VALID"}[5m])', 'no label verdct'],
  ['compute_node_peer', 'no metric compute_node_peer'],
  ['rate(compute_node_peers[5m])', 'compute_node_peers is no counter'],
  ['compute_node_ready{check="enigne"}', 'check is never enigne'],
  ['sum by (colour) (compute_node_peers)', 'no label colour'],
])('a query that would show nothing is found: %s', (query, fault) => {
  expect(faults(query).join()).toContain(fault)
})

interface Dashboard {
  readonly templating: { readonly list: readonly { readonly name: string }[] }
  readonly panels: readonly {
    readonly id: number
    readonly type: string
    readonly title: string
    readonly gridPos: {
      readonly x: number
      readonly y: number
      readonly w: number
      readonly h: number
    }
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
    readonly fieldConfig?: { readonly defaults: { readonly unit: string } }
  }[]
}

test('config/grafana is what scripts/dashboards.ts says (npm run docs writes it)', () => {
  const files = dashboardFiles()
  expect(readdirSync(join(root, 'config/grafana')).toSorted()).toEqual([...files.keys()].toSorted())
  for (const [name, text] of files) expect(read(`config/grafana/${name}`)).toBe(text)
})

test.each([...dashboardFiles().keys()])('the dashboard %s asks for what nodes tell', (name) => {
  const { panels, templating } = JSON.parse(read(`config/grafana/${name}`)) as Dashboard
  expect(templating.list.map((variable) => variable.name)).toEqual(['datasource', 'instance'])
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const queries = panels.flatMap(({ targets = [] }) => targets)
  expect(queries.flatMap(({ expr, legendFormat }) => faults(expr, legendFormat))).toEqual([])
  expect(queries.filter(({ expr }) => !expr.includes('instance=~"$instance"'))).toEqual([])
  for (const { type, title, fieldConfig, gridPos, id } of panels) {
    if (type !== 'row') expect(`${title}: ${fieldConfig!.defaults.unit}`).toMatch(/: \w+$/)
    const { x, y, w, h } = gridPos
    expect(x + w).toBeLessThanOrEqual(24)
    const over = panels.filter(
      ({ id: other, gridPos: at }) =>
        other !== id && at.x < x + w && x < at.x + at.w && at.y < y + h && y < at.y + at.h,
    )
    expect(over.map((panel) => `${panel.title} lies over ${title}`)).toEqual([])
  }
})

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: Readonly<Record<'summary' | 'action' | 'runbook', string>>
}

/** YAML that is JSON after its comments. */
const parseJsonYaml = (text: string): { groups: { name: string; rules: Rule[] }[] } =>
  JSON.parse(text.replace(/^#.*\n/gm, ''))

test('every alert asks for what nodes tell, and docs/operations.md says what to do', () => {
  const { groups } = parseJsonYaml(read('config/prometheus/alerts.yml'))
  const rules = groups.flatMap((group) => group.rules)
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  const manual = read('docs/operations.md')
  for (const { alert, expr, labels, annotations, for: lasts } of rules) {
    expect(faults(expr)).toEqual([])
    expect(alert).toMatch(/^ComputeNode[A-Z]\w+$/)
    expect(lasts).toMatch(/^\d+[mhd]$/)
    expect(labels.severity).toMatch(/^(warning|critical)$/)
    expect(annotations.summary).not.toBe('')
    expect(annotations.action).not.toBe('')
    expect(annotations.runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`)
    expect(manual).toContain(`#### ${alert}\n`)
  }
  const told = [...manual.matchAll(/^#### (ComputeNode\w+)$/gm)].map(([, name]) => name!)
  expect(told.toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted())
})

/** The subset of YAML that prometheus.yml is in: nested keys, lists of keys or words, and flow lists. */
test('prometheus.yml has the rules beside it, and scrapes where nodes serve', () => {
  const text = read('config/prometheus/prometheus.yml')
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  for (const line of lines) {
    expect(line).toMatch(/^( {2})*(- )?([a-z_]+:( \S.*)?|[\w.]+)$/)
  }
  expect(text).toContain('rule_files:\n  - alerts.yml\n')
  expect(text).toContain('metrics_path: /metrics\n')
  expect(text).toMatch(/authorization:\n +type: Bearer\n +credentials_file: \S+\n/)
  expect(text).toMatch(/targets: \['127\.0\.0\.1:\d+'\]/)
})

/** Prometheus' own tool; what it says of its input where it finds fault, nothing else. */
async function promtool(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('promtool', args, { cwd: join(root, 'config/prometheus') })
  child.stdin.end(input)
  const [out, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return code === 0 ? '' : `${out}${errors}`
}
const hasPromtool = requireOrSkip(
  await promtool(['--version']).then(
    (fault) => fault === '',
    () => false,
  ),
  "promtool (Debian's package prometheus)",
)

test.skipIf(!hasPromtool)(
  'Prometheus reads all of it, and alerts fire when they should',
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cn-monitoring-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const queries = [...dashboardFiles().keys()].flatMap((name) =>
      (JSON.parse(read(`config/grafana/${name}`)) as Dashboard).panels
        .flatMap(({ targets = [] }) => targets)
        .map(({ expr }) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')),
    )
    const rules = queries.map((expr, i) => ({ record: `query:${i}`, expr }))
    const asked = join(folder, 'dashboards.yml')
    writeFileSync(asked, JSON.stringify({ groups: [{ name: 'dashboards', rules }] }))
    const told = (await createMeters().text())
      .split('\n')
      .filter((line) => /^(# \w+ )?compute_node_/.test(line))
    const faults = await Promise.all([
      promtool(['check', 'config', '--syntax-only', 'prometheus.yml']),
      promtool(['check', 'rules', 'alerts.yml', asked]),
      promtool(['check', 'metrics'], `${told.join('\n')}\n`),
      promtool(['test', 'rules', 'alerts.test.yml']),
    ])
    expect(faults.filter((fault) => fault !== '')).toEqual([])
    const broken = { groups: [{ name: 'broken', rules: [{ record: 'a', expr: 'rate(up' }] }] }
    writeFileSync(asked, JSON.stringify(broken))
    expect(await promtool(['check', 'rules', asked])).toContain('parse error')
  },
)
