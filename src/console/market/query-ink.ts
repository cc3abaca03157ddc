import { fieldNamed } from '../../query/fields.ts'

/** A run of characters of a query and what it is; all runs together are the query. */
export interface InkRun {
  readonly from: number
  readonly text: string
  readonly kind: 'field' | 'operator' | 'value' | 'word' | 'space'
  readonly isWrong: boolean
}

const PARTS =
  /(?<space>\s+)|(?<operator>[=!<>]+|[()[\],])|(?<quoted>"[^"]*"?|'[^']*'?)|(?<bare>[^\s()[\],=!<>"']+)/g
const JOINS: ReadonlySet<string> = new Set(['and', 'or', 'in', 'not', 'notin', 'nin'])

/** How a query is coloured, whole or half typed; what is wrong is cut out as runs of its own. */
export function queryInk(
  text: string,
  problem: { readonly from: number; readonly to: number } | undefined,
): readonly InkRun[] {
  let mayBeField = true
  return [...text.matchAll(PARTS)].flatMap((match) => {
    const { space, operator, bare } = match.groups ?? {}
    const from = match.index
    const isField = bare !== undefined && mayBeField && fieldNamed(bare) !== undefined
    if (space === undefined) mayBeField = !(operator !== undefined && /[=<>[,]$/.test(operator))
    const kind =
      space !== undefined
        ? 'space'
        : operator !== undefined
          ? 'operator'
          : bare !== undefined && JOINS.has(bare.toLowerCase())
            ? 'word'
            : isField
              ? 'field'
              : 'value'
    return cutAt({ from, text: match[0], kind }, problem)
  })
}

function cutAt(
  { from, text, kind }: Omit<InkRun, 'isWrong'>,
  problem: { readonly from: number; readonly to: number } | undefined,
): InkRun[] {
  const end = from + text.length
  const [start, stop] =
    problem === undefined ? [end, end] : [Math.max(from, problem.from), Math.min(end, problem.to)]
  const run = (a: number, b: number, isWrong: boolean): InkRun[] =>
    a < b ? [{ from: a, text: text.slice(a - from, b - from), kind, isWrong }] : []
  if (start >= stop) return run(from, end, false)
  return [...run(from, start, false), ...run(start, stop, true), ...run(stop, end, false)]
}
