/** One line that the main process printed. */
export interface LogLine {
  readonly number: number
  readonly stream: 'stdout' | 'stderr'
  readonly text: string
}

/** What a page holds; older lines are dropped, and can be downloaded. */
const MOST_LINES = 20_000

/** Colours and moves of a terminal, which a list of lines has no use for. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const ESCAPES = /\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])/g

export interface LogLines {
  add(stream: LogLine['stream'], data: Uint8Array): void
  all(): readonly LogLine[]
  clear(): void
}

/** Puts pieces of two streams together to lines; the unfinished last line of each is a line too. */
export function createLogLines(): LogLines {
  let lines: LogLine[] = []
  let count = 0
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  /** Where the unfinished line of a stream stands. */
  const open: { stdout?: LogLine | undefined; stderr?: LogLine | undefined } = {}
  return {
    add(stream, data) {
      const parts = decoders[stream].decode(data, { stream: true }).split('\n')
      for (const [i, part] of parts.entries()) {
        const before = i === 0 ? open[stream] : undefined
        if (part === '' && before === undefined && i === parts.length - 1) {
          open[stream] = undefined
          break
        }
        const text = (before?.text ?? '') + part.replace(ESCAPES, '').replace(/\r$/, '')
        const line: LogLine = { number: before?.number ?? ++count, stream, text }
        if (before === undefined) lines.push(line)
        else lines[lines.indexOf(before)] = line
        open[stream] = i === parts.length - 1 ? line : undefined
      }
      if (lines.length > MOST_LINES) lines = lines.slice(-MOST_LINES)
    },
    all: () => lines,
    clear() {
      lines = []
      open.stdout = undefined
      open.stderr = undefined
    },
  }
}

/** Lines that have the words, in any case. */
export function matching(lines: readonly LogLine[], words: string): readonly LogLine[] {
  const wanted = words.trim().toLowerCase()
  return wanted === '' ? lines : lines.filter(({ text }) => text.toLowerCase().includes(wanted))
}
