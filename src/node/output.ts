import type { Terminal } from './commands/command.ts'

/** How people see one field of a row. */
export interface Column<Row> {
  readonly title: string
  readonly value: (row: Row) => string | number | bigint | boolean | null | undefined
  /** Numbers align right. */
  readonly align?: 'left' | 'right'
  /** May be shortened when the terminal is narrow; ids and prices may not. */
  readonly shrinks?: boolean
}

/** How a list is shown: a table for people, `{"items":[…]}` with `--json`, ids with `-q`. */
export interface ListView<Row> {
  readonly columns: readonly Column<Row>[]
  readonly id: (row: Row) => string
  /** What people read when there is nothing. */
  readonly none?: string
}

/** The one way in which commands print. Results go to stdout; everything else to stderr. */
export interface Output {
  list<Row>(rows: readonly Row[], view: ListView<Row>): void
  /** One result: JSON with `--json`, the id with `-q` where it has one, else `text`. */
  value(value: object, text: () => string, id?: string): void
  /** One item of a stream: a line of JSON with `--json`, else `text`. */
  event(value: object, text: () => string): void
  /** Progress for a person at a terminal; nothing in a pipe, with `--json` or with `-q`. */
  progress(text: string): void
  /** A remark for a person, on stderr; nothing with `--json` or `-q`. */
  note(text: string): void
  /** Emphasis where colours are on. */
  readonly style: Style
}

export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
}

interface Choices {
  readonly json: boolean
  readonly quiet: boolean
  readonly color: boolean
}

export function createOutput(terminal: Terminal, { json, quiet, color }: Choices): Output {
  const line = (text: string): void => void terminal.stdout.write(`${text}\n`)
  const style = createStyle(color && !json && terminal.stdout.isTTY === true && !noColor())
  const print = (value: object, text: () => string, id?: string): void => {
    if (json) line(toJson(value))
    else line(quiet && id !== undefined ? id : text())
  }
  const human = !json && !quiet
  return {
    list(rows, view) {
      if (json) return line(toJson({ items: rows }))
      if (quiet) return rows.forEach((row) => void line(view.id(row)))
      if (rows.length === 0) return line(view.none ?? 'nothing')
      const width = terminal.stdout.isTTY === true ? terminal.stdout.columns : undefined
      for (const text of renderTable(rows, view.columns, { width, style })) line(text)
    },
    value: print,
    event: print,
    progress(text) {
      if (human && terminal.stderr.isTTY === true) terminal.stderr.write(`${text}\n`)
    },
    note(text) {
      if (human) terminal.stderr.write(`${text}\n`)
    },
    style,
  }
}

/** JSON as everywhere in this program: bigint as a decimal string, bytes as hex. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return field.toString()
    if (field instanceof Uint8Array) return Buffer.from(field).toString('hex')
    return field
  })

const GAP = '  '
const LEAST = 6

/** A table whose columns line up; with a width, the columns that may shrink do, the widest first. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { width, style = createStyle(false) }: { width?: number | undefined; style?: Style } = {},
): string[] {
  const cells = rows.map((row) => columns.map(({ value }) => printable(value(row))))
  const titles = columns.map(({ title }) => title)
  const widths = titles.map((title, i) =>
    Math.max(displayWidth(title), ...cells.map((row) => displayWidth(row[i]!))),
  )
  if (width !== undefined) shrink(widths, columns, width)
  const render = (row: readonly string[]): string =>
    row
      .map((cell, i) => pad(cut(cell, widths[i]!), widths[i]!, columns[i]!.align))
      .join(GAP)
      .trimEnd()
  return [style.bold(render(titles)), ...cells.map(render)]
}

function shrink(widths: number[], columns: readonly { shrinks?: boolean }[], total: number): void {
  const used = (): number => widths.reduce((sum, w) => sum + w, GAP.length * (widths.length - 1))
  while (used() > total) {
    const widest = widths
      .map((w, i) => ({ w, i }))
      .filter(({ w, i }) => columns[i]!.shrinks === true && w > LEAST)
      .sort((a, b) => b.w - a.w)[0]
    if (widest === undefined) return
    widths[widest.i] = widest.w - 1
  }
}

/** Control and direction characters (Unicode Cc, Cf) would let a peer's text steer the terminal. */
export const printable = (value: unknown): string =>
  String(value ?? '-').replace(/[\p{Cc}\p{Cf}]/gu, '?')

const displayWidth = (text: string): number => [...text].length
const cut = (text: string, width: number): string =>
  displayWidth(text) <= width ? text : `${[...text].slice(0, width - 1).join('')}…`
const pad = (text: string, width: number, align: 'left' | 'right' = 'left'): string => {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)))
  return align === 'right' ? space + text : text + space
}

/** https://no-color.org: any value but an empty one. */
const noColor = (): boolean => (process.env['NO_COLOR'] ?? '') !== ''

const createStyle = (on: boolean): Style => {
  const paint = (code: number) => (text: string) => (on ? `\u001b[${code}m${text}\u001b[0m` : text)
  return { bold: paint(1), dim: paint(2), red: paint(31), green: paint(32), yellow: paint(33) }
}
