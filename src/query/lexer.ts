import { NodeError } from '../errors.ts'

export type Operator = '=' | '!=' | '>' | '>=' | '<' | '<='

export type Token =
  | { readonly kind: 'operator'; readonly operator: Operator; readonly at: number }
  | { readonly kind: 'mark'; readonly text: '(' | ')' | '[' | ']' | ','; readonly at: number }
  /** `quoted` words are literal; in bare ones `_` stands for a space and `and`, `or`, `in` are words of the language. */
  | { readonly kind: 'word'; readonly text: string; readonly quoted: boolean; readonly at: number }
  | { readonly kind: 'end'; readonly at: number }

/** A query longer than this is a mistake. */
const MAX_LENGTH = 4096

/** The error of every fault in a query: the text, where it is (counted from 1), and what to do. */
export function queryError(message: string, at: number, next?: string): NodeError {
  return new NodeError('BAD_CONFIG_QUERY', `${message} (at character ${at + 1})`, {
    next: next ?? '`compute-node offers --help` shows the language and its fields',
    position: at,
  })
}

const TOKEN =
  /\s*(?:(?<operator>==|!=|>=|<=|=|>|<)|(?<mark>[()[\],])|"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<bare>[^\s()[\],=!<>"']+))/y

/** Splits a query into tokens; throws BAD_CONFIG_QUERY naming the position of what it cannot read. */
export function tokens(query: string): Token[] {
  if (query.length > MAX_LENGTH) throw queryError(`a query has at most ${MAX_LENGTH} characters`, 0)
  const found: Token[] = []
  const text = query.trimEnd()
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
    if (match === null) throw queryError(unreadable(text[start] ?? ''), start)
    found.push(token(match.groups ?? {}, start))
    at = TOKEN.lastIndex
  }
  return [...found, { kind: 'end', at: text.length }]
}

const unreadable = (character: string): string =>
  character === '"' || character === "'"
    ? 'a quotation mark that is never closed'
    : `"${character}" has no place here`

function token(groups: Record<string, string | undefined>, at: number): Token {
  const { operator, mark, double, single, bare } = groups
  if (operator !== undefined) {
    return { kind: 'operator', operator: (operator === '==' ? '=' : operator) as Operator, at }
  }
  if (mark !== undefined) return { kind: 'mark', text: mark as '(', at }
  const quoted = double ?? single
  return quoted === undefined
    ? { kind: 'word', text: bare ?? '', quoted: false, at }
    : { kind: 'word', text: quoted, quoted: true, at }
}
