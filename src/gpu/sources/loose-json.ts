/** One value of a JSON document with the keys that lead to it, in lower case, joined by dots. */
export interface Leaf {
  readonly path: string
  readonly value: string | number | boolean
}

/**
 * A document as a list of values: vendors rename, nest and wrap their fields from version to version, so that fields
 * are found by what their path says. `{"value":141,"unit":"W"}` is one value, `141 W`.
 */
export function leavesOf(value: unknown, path = ''): Leaf[] {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return [{ path, value }]
  }
  if (typeof value !== 'object' || value === null) return []
  const { value: figure, unit } = value as { value?: unknown; unit?: unknown }
  if (typeof unit === 'string') return leavesOf(`${figure} ${unit}`, path)
  return Object.entries(value).flatMap(([key, item]) =>
    leavesOf(item, path === '' ? key.toLowerCase() : `${path}.${key.toLowerCase()}`),
  )
}

/** The text of the first pattern that some path matches and that is told; null for none. */
export function textAt(leaves: readonly Leaf[], ...patterns: readonly RegExp[]): string | null {
  for (const pattern of patterns) {
    const found = leaves.find(({ path, value }) => pattern.test(path) && !UNTOLD.test(`${value}`))
    if (found !== undefined) return String(found.value).trim()
  }
  return null
}

/** The first number in that text: `141 W` and `(800Mhz)` are 141 and 800. */
export function numberAt(leaves: readonly Leaf[], ...patterns: readonly RegExp[]): number | null {
  const digits = /-?\d+(\.\d+)?/.exec(textAt(leaves, ...patterns) ?? '')
  return digits === null ? null : Number(digits[0])
}

const UNTOLD = /^\s*(n\/?a|none|unknown|not supported|)( \S+)?\s*$/i

/** The JSON in a program's output, which may have warnings around it; undefined where there is none. */
export function jsonIn(output: string): unknown {
  const start = output.search(/[[{]/)
  const end = Math.max(output.lastIndexOf(']'), output.lastIndexOf('}'))
  if (start < 0 || end < start) return undefined
  try {
    return JSON.parse(output.slice(start, end + 1)) as unknown
  } catch {
    return undefined // a warning with brackets, or a document cut short: no answer either way
  }
}
