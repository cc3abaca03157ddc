import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import {
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Label,
  type LabelsOf,
  type Metric,
  type MetricName,
  metrics,
} from '../../metrics.ts'

/** One node's metrics, by the table of `src/metrics.ts`. */
export interface Meters {
  /** What libraries add theirs to. */
  readonly registry: Registry
  /** Adds to a counter, one unless told. */
  count<K extends CounterName>(name: K, labels: LabelsOf<K>, by?: number): void
  /** Says what a gauge shows now. */
  set<K extends GaugeName>(name: K, labels: LabelsOf<K>, value: number): void
  /** Forgets what a gauge showed, with all its labels. */
  clear(name: GaugeName): void
  observe<K extends HistogramName>(name: K, labels: LabelsOf<K>, value: number): void
  /** Everything, those of the process included, in the text format of Prometheus. */
  text(): Promise<string>
}

/** Longer words of a label are cut: they are names, not texts. */
const MAX_LABEL = 100
/** What a label says that would be one too many. */
const OTHER = 'other'

/** Every metric of the table, counters at zero and gauges not told yet; a node makes one. */
export function createMeters(): Meters {
  const registry = new Registry()
  const made = new Map<string, Counter | Gauge | Histogram>()
  for (const [name, metric] of Object.entries<Metric>(metrics)) {
    made.set(name, make(name, metric, registry))
  }
  const bounded = boundLabels()
  return {
    registry,
    count: (name, labels, by = 1) => (made.get(name) as Counter).inc(bounded(name, labels), by),
    set: (name, labels, value) => (made.get(name) as Gauge).set(bounded(name, labels), value),
    clear: (name) => forget(made.get(name) as Gauge),
    observe: (name, labels, value) =>
      (made.get(name) as Histogram).observe(bounded(name, labels), value),
    text: async () => `${await registry.metrics()}\n${await processRegistry().metrics()}\n`,
  }
}

function make(name: string, { type, help, labels, buckets }: Metric, registry: Registry) {
  const common = { name, help, labelNames: Object.keys(labels), registers: [registry] }
  if (type === 'counter') return new Counter(common)
  if (type === 'gauge') return forget(new Gauge(common))
  return new Histogram({ ...common, buckets: [...(buckets ?? [])] })
}

/** Leaves nothing to show. The library would say 0 of a gauge without labels: a block, a time, a score that nobody told. */
function forget(gauge: Gauge): Gauge {
  gauge.reset()
  gauge.remove({})
  return gauge
}

/** Keeps every label to the words that the table allows it, or to as many as it allows. */
function boundLabels() {
  const seen = new Map<string, Set<string>>()
  const wordOf = (metric: MetricName, label: string, said: string): string => {
    const { values, atMost = 0 }: Label = (metrics[metric] as Metric).labels[label]!
    const word = said.slice(0, MAX_LABEL)
    if (values !== undefined) return values.includes(word) ? word : OTHER
    const key = `${metric} ${label}`
    const words = seen.get(key) ?? new Set()
    seen.set(key, words)
    if (words.has(word)) return word
    if (words.size >= atMost) return OTHER
    words.add(word)
    return word
  }
  return (metric: MetricName, labels: object): Record<string, string> =>
    Object.fromEntries(
      Object.entries(labels).map(([label, said]) => [label, wordOf(metric, label, String(said))]),
    )
}

let ofProcess: Registry | undefined

/** What the process itself shows; made once, for it watches the garbage collector until the process ends. */
function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}
