import { FIELDS, type Field, type FieldType, fieldNamed } from '../../query/fields.ts'
import { quoted } from './edit-query.ts'

export interface Completion {
  readonly kind: 'field' | 'operator' | 'value'
  /** What is shown. */
  readonly title: string
  /** What it means, or where it comes from. */
  readonly detail: string
  /** What stands in place of the characters from `from` to before `to`. */
  readonly insert: string
  readonly from: number
  readonly to: number
}

/** Values that offers have in a field, the most frequent first. */
export type KnownValues = (field: Field) => readonly string[]

const MOST = 60
const EQUALITY = ['=', '!='] as const
const ORDERED = ['>=', '<=', '>', '<', '=', '!='] as const
const orderedTypes: ReadonlySet<FieldType> = new Set(['number', 'money', 'version'])

/** What a comparison of a field mostly begins with. */
function usualOperator({ name, type }: Field): string {
  if (type === 'money' || name === 'min_duration') return '<='
  return orderedTypes.has(type) ? '>=' : '='
}

/**
 * What may stand at the caret: fields where one begins, operators behind a field, values behind an operator or in a list.
 * Pure: the text up to the caret decides.
 */
export function completions(
  text: string,
  caret: number,
  known: KnownValues,
): readonly Completion[] {
  const before = text.slice(0, caret)
  const value =
    /([a-z_]+)\s*(?:==|!=|>=|<=|=|>|<)\s*(["']?)([^\s()[\],=!<>"']*)$/i.exec(before) ??
    /([a-z_]+)\s+(?:not\s+in|notin|nin|in)\s*\[(?:[^\]]*,)?\s*(["']?)([^\s()[\],=!<>"']*)$/i.exec(
      before,
    )
  if (value !== null) {
    const field = fieldNamed(value[1]!)
    const from = caret - value[3]!.length - value[2]!.length
    return field === undefined ? [] : valuesOf(field, value[3]!, from, caret, known)
  }
  const word = /([a-z_]*)(\s*)$/i.exec(before)!
  const [, typed = '', space = ''] = word
  const field = fieldNamed(typed)
  if (field !== undefined && isFieldPlace(before.slice(0, before.length - word[0].length))) {
    if (space !== '') return operatorsOf(field, caret, caret)
    return [...operatorsOf(field, caret, caret), ...fieldsOf(typed, caret).filter(isLonger(typed))]
  }
  return space === '' || typed === '' || isJoin(typed) || !isFieldPlace(before)
    ? fieldsOf(space === '' ? typed : '', caret)
    : []
}

const isLonger =
  (typed: string) =>
  ({ title }: Completion): boolean =>
    title !== typed

const isJoin = (word: string): boolean => ['and', 'or'].includes(word.toLowerCase())

/** Whether a field may begin behind this text: not where a value is still missing. */
const isFieldPlace = (before: string): boolean => !/[=<>[,]\s*$/.test(before)

function fieldsOf(typed: string, to: number): readonly Completion[] {
  const wanted = typed.toLowerCase()
  const starts = FIELDS.filter(({ name }) => name.startsWith(wanted))
  const holds = FIELDS.filter(({ name }) => !name.startsWith(wanted) && name.includes(wanted))
  return [...starts, ...holds].map((field) => ({
    kind: 'field',
    title: field.name,
    detail: field.unit === undefined ? field.meaning : `${field.meaning} (${field.unit})`,
    insert: `${field.name}${usualOperator(field)}`,
    from: to - typed.length,
    to,
  }))
}

const operatorMeanings: Readonly<Record<string, string>> = {
  '=': 'is',
  '!=': 'is not',
  '>=': 'at least',
  '<=': 'at most',
  '>': 'more than',
  '<': 'less than',
  ' in [': 'one of a list',
}

function operatorsOf({ type }: Field, from: number, to: number): readonly Completion[] {
  const all = orderedTypes.has(type) ? ORDERED : [...EQUALITY, ' in [']
  return all.map((operator) => ({
    kind: 'operator',
    title: operator.trim(),
    detail: operatorMeanings[operator]!,
    insert: operator,
    from,
    to,
  }))
}

function valuesOf(
  field: Field,
  typed: string,
  from: number,
  to: number,
  known: KnownValues,
): readonly Completion[] {
  const all = field.type === 'boolean' ? ['true', 'false', 'any'] : known(field)
  const wanted = typed.toLowerCase().replaceAll('_', ' ')
  return all
    .filter((value) => value.toLowerCase().includes(wanted) && value.toLowerCase() !== wanted)
    .slice(0, MOST)
    .map((value) => ({
      kind: 'value',
      title: value,
      detail: field.unit ?? '',
      insert: `${quoted(value)} `,
      from,
      to,
    }))
}
