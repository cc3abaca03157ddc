import type { Field } from './fields.ts'
import { fieldNamed, nearestField } from './fields.ts'
import { type Operator, queryError, type Token, tokens } from './lexer.ts'
import { EXPECTED, ORDERED, readValue, type Value } from './value.ts'

/** A checked query: every field exists and every value is of its field's type. */
export type Query =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Query[] }
  | {
      readonly kind: 'compare'
      readonly field: Field
      readonly operator: Operator
      readonly value: Value
    }
  | {
      readonly kind: 'in'
      readonly field: Field
      readonly negated: boolean
      readonly values: readonly Value[]
    }
  /** `field=any`: always true, and it lifts a default on that field. */
  | { readonly kind: 'any'; readonly field: Field }

/** The query that everything matches. */
export const EVERYTHING: Query = { kind: 'and', parts: [] }

/** Operators as words, for shells in which `<` and `>` need quotes. */
const WORD_OPERATORS: Readonly<Record<string, Operator>> = {
  eq: '=',
  ne: '!=',
  neq: '!=',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
}
const MAX_DEPTH = 32
const MAX_VALUES = 256

/**
 * Reads and type-checks a query such as `gpu_name=H100 num_gpus>=2 (dph<3 or verified=true)`.
 * @throws BAD_CONFIG_QUERY naming the position, and the nearest valid field for an unknown one
 */
export const parseQuery = (text: string): Query => new Parser(tokens(text)).whole()

/** Recursive descent: `or` binds loosest, then `and` and juxtaposition, then parentheses. */
class Parser {
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(list: readonly Token[]) {
    this.#tokens = list
  }

  whole(): Query {
    if (this.#peek().kind === 'end') return EVERYTHING
    const query = this.#anyOf()
    const rest = this.#peek()
    if (rest.kind !== 'end') throw queryError(`${show(rest)} has no place here`, rest.at)
    return query
  }

  #anyOf(): Query {
    const parts = [this.#allOf()]
    while (this.#isWord('or')) {
      this.#take()
      parts.push(this.#allOf())
    }
    return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
  }

  #allOf(): Query {
    const parts = [this.#condition()]
    for (;;) {
      if (this.#isWord('and')) this.#take()
      else if (this.#peek().kind === 'end' || this.#isMark(')') || this.#isWord('or')) break
      parts.push(this.#condition())
    }
    return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
  }

  #condition(): Query {
    if (!this.#isMark('(')) return this.#comparison()
    const open = this.#take()
    if (++this.#depth > MAX_DEPTH) throw queryError(`nested deeper than ${MAX_DEPTH}`, open.at)
    const inner = this.#anyOf()
    this.#mark(')', 'a parenthesis that is never closed')
    this.#depth--
    return inner
  }

  #comparison(): Query {
    const field = fieldOf(this.#take())
    if (this.#isWord('in', 'notin', 'nin', 'not')) return this.#membership(field)
    const token = this.#take()
    const operator = operatorOf(token)
    if (operator === undefined) {
      const message = `after ${field.name} an operator such as = or >= is missing`
      throw queryError(message, token.at, token.kind === 'end' ? unquoted(field.name) : undefined)
    }
    if (operator === '=' && this.#isWord('any')) {
      this.#take()
      return { kind: 'any', field }
    }
    if (this.#isMark('[')) throw queryError('a list goes with `in` or `notin`', this.#peek().at)
    if (operator !== '=' && operator !== '!=' && !ORDERED.has(field.type)) {
      throw queryError(`${field.name} has no order: only =, !=, in and notin`, token.at)
    }
    return { kind: 'compare', field, operator, value: readAs(field, this.#take()) }
  }

  #membership(field: Field): Query {
    const negated = !this.#isWord('in')
    const separate = this.#isWord('not')
    this.#take()
    if (separate) {
      if (!this.#isWord('in')) throw queryError('`not` is written `not in`', this.#peek().at)
      this.#take()
    }
    const open = this.#mark('[', 'a list such as [DE,FR] is missing')
    const values = [readAs(field, this.#take())]
    while (this.#isMark(',')) {
      this.#take()
      values.push(readAs(field, this.#take()))
    }
    if (values.length > MAX_VALUES) throw queryError(`at most ${MAX_VALUES} in a list`, open.at)
    this.#mark(']', 'a list ends with ]')
    return { kind: 'in', field, negated, values }
  }

  #peek(): Token {
    return this.#tokens[this.#at]!
  }

  /** The next token; the end is never passed. */
  #take(): Token {
    const token = this.#peek()
    if (token.kind !== 'end') this.#at++
    return token
  }

  #isMark(mark: string): boolean {
    const token = this.#peek()
    return token.kind === 'mark' && token.text === mark
  }

  #mark(mark: string, otherwise: string): Token {
    if (!this.#isMark(mark)) throw queryError(otherwise, this.#peek().at)
    return this.#take()
  }

  #isWord(...words: readonly string[]): boolean {
    const token = this.#peek()
    return token.kind === 'word' && !token.quoted && words.includes(token.text.toLowerCase())
  }
}

/** A query that ends behind a field's name is often one whose `>` the shell took for a redirection. */
const unquoted = (name: string): string =>
  `quote the whole query, or a shell takes > and < for itself: "${name}>=1"; \`compute-node offers --help\` shows the language`

const operatorOf = (token: Token): Operator | undefined =>
  token.kind === 'operator'
    ? token.operator
    : token.kind === 'word' && !token.quoted
      ? WORD_OPERATORS[token.text.toLowerCase()]
      : undefined

function fieldOf(token: Token): Field {
  if (token.kind !== 'word') {
    throw queryError(`a field is missing before ${show(token)}`, token.at)
  }
  const field = fieldNamed(token.text)
  if (field !== undefined) return field
  const nearest = nearestField(token.text)
  throw queryError(`unknown field "${token.text}": did you mean ${nearest}?`, token.at)
}

function readAs(field: Field, token: Token): Value {
  if (token.kind !== 'word') {
    throw queryError(`${field.name} needs ${EXPECTED[field.type]} before ${show(token)}`, token.at)
  }
  const text = token.quoted ? token.text : token.text.replaceAll('_', ' ')
  const value = readValue(field.type, text)
  if (value !== undefined) return value
  throw queryError(`${field.name} takes ${EXPECTED[field.type]}, not "${token.text}"`, token.at)
}

const show = (token: Token): string =>
  token.kind === 'end' ? 'the end' : `"${token.kind === 'operator' ? token.operator : token.text}"`
