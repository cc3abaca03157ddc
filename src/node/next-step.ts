import { commands } from './commands/command-table.ts'

/** Longest first: `chain bind list` is no `chain bind`. */
const names = commands.map(({ name }) => name).toSorted((a, b) => b.length - a.length)
const named = new RegExp(`compute-node (${names.join('|')})(?![\\w-])(?! --help)`, 'g')

/**
 * What to do next, for the node that a command line was about: `--data-dir DIR` stands behind each command in it, where
 * `argv` names a folder and the text does not.
 */
export function nextStepFor(argv: readonly string[], next: string): string {
  const folder = dataDirIn(argv)
  if (folder === undefined || next.includes('--data-dir')) return next
  return next.replace(named, (found) => `${found} --data-dir ${shellWord(folder)}`)
}

/** As it was written; the last one counts. */
function dataDirIn(argv: readonly string[]): string | undefined {
  const given = argv.flatMap((word, at) => {
    if (word.startsWith('--data-dir=')) return word.slice('--data-dir='.length)
    return word === '--data-dir' ? (argv[at + 1] ?? []) : []
  })
  return given.at(-1)
}

/** So that a shell reads one word: what needs no quotes gets none. */
const shellWord = (text: string): string =>
  /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
