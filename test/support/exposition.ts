/** One line of what a node tells Prometheus. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

/** Reads the text format of Prometheus as strictly as its parser does. @throws on a line that is none of it */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, Family>()
  const helps = new Map<string, string>()
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      if (kind === 'HELP') helps.set(name, rest)
      else if (families.has(name)) throw new Error(`two TYPE lines of ${name}`)
      else families.set(name, { name, type: rest, help: helps.get(name) ?? '', samples: [] })
      continue
    }
    const sample = parseSample(line)
    const family = families.get(sample.name) ?? families.get(baseOf(sample.name))
    if (family === undefined) throw new Error(`no TYPE before ${line}`)
    family.samples.push(sample)
  }
  return families
}

/** The metric that a sample of a histogram or summary belongs to. */
export const baseOf = (name: string): string => name.replace(/_(bucket|sum|count)$/, '')

function parseSample(line: string): Sample {
  const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
  if (found === null) throw new Error(`no sample: ${line}`)
  const [, name = '', inside = '', value = ''] = found
  const pairs = [...inside.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g)]
  if (pairs.map(([all]) => all).join('') !== inside) throw new Error(`bad labels: ${line}`)
  const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value)
  if (Number.isNaN(number) && !/^nan$/i.test(value)) throw new Error(`no number: ${line}`)
  return {
    name,
    labels: Object.fromEntries(pairs.map(([, key, said]) => [key!, said!])),
    value: number,
  }
}

/** The sum of a metric's samples whose labels say this; undefined when there is none. */
export function shownIn(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const all = families.get(name)?.samples ?? families.get(baseOf(name))?.samples ?? []
  const fitting = all.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([key, said]) => sample.labels[key] === said),
  )
  return fitting.length === 0 ? undefined : fitting.reduce((sum, { value }) => sum + value, 0)
}

const OTHER_UNITS = /_(ms|milli\w*|minutes?|hours|days|kib|mib|gib|kb|mb|gb|percent|kelvin)(_|$)/

/** What promtool's linter would say of the metrics of this program. */
export function lint(families: ReadonlyMap<string, Family>): string[] {
  return [...families.values()].flatMap(({ name, type, help }) => {
    if (!name.startsWith('compute_node_')) return []
    return [
      ...(help === '' ? [`${name} has no help`] : []),
      ...((type === 'counter') === name.endsWith('_total') ? [] : [`${name} is a ${type}`]),
      ...(OTHER_UNITS.test(name) ? [`${name} is not in base units`] : []),
      ...(/[A-Z]|__|_(gauge|counter|histogram)(_|$)/.test(name) ? [`${name} is badly named`] : []),
      ...(type === 'histogram' && !name.endsWith('_seconds') ? [`${name} has no unit`] : []),
    ]
  })
}

/** An address that this node listens on: it has a few of them. */
const OWN_ADDRESS = /^libp2p_tcp_(inbound|listener)_/

/** Labels that would grow with the market: PeerIds, SS58 addresses, ids of leases and records, addresses, texts. */
const UNBOUNDED =
  /12D3Koo|\b5[1-9A-HJ-NP-Za-km-z]{46,}|\b[0-9a-f]{12,}\b|\d+\.\d+\.\d+\.\d+|\s\S+\s\S+\s/

export const unboundedLabels = (families: ReadonlyMap<string, Family>): string[] =>
  [...families.values()].flatMap(({ samples }) =>
    samples.flatMap(({ name, labels }) =>
      Object.entries(labels)
        .filter(
          ([label, said]) =>
            UNBOUNDED.test(said) &&
            !(label === 'name' && /gpu_info/.test(name)) &&
            !(label === 'address' && OWN_ADDRESS.test(name)),
        )
        .map(([label, said]) => `${name} ${label}="${said}"`),
    ),
  )
