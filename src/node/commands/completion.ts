import { NodeError } from '../../errors.ts'
import { flagText, isValued, optionTable } from '../options.ts'
import type { Command, Run } from './command.ts'
import { takesOption } from './takes-option.ts'

/** What may be typed after a command, or after the first word of a group of them. */
interface Place {
  /** As typed: `rent`, `gpu`, `gpu bench`; empty at the beginning. */
  readonly name: string
  /** What a name goes on with here, each with what it does where that is one command. */
  readonly words: readonly Word[]
  readonly options: readonly Choice[]
}
interface Word {
  readonly text: string
  readonly does: string
}
interface Choice {
  readonly flag: string
  /** One letter. */
  readonly short?: string | undefined
  readonly does: string
  readonly isValued: boolean
}

const shells: Readonly<Record<string, (places: readonly Place[]) => string>> = {
  bash: (places) => `_compute_node() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" name="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    ${nextName(places, 'COMP_WORDS[i]')}
  done
  case "$name" in
${cases(places, (words) => `COMPREPLY=($(compgen -W "${words}" -- "$cur"))`)}
  esac
}
complete -o default -F _compute_node compute-node
`,
  zsh: (places) => `#compdef compute-node
_compute_node() {
  local name="" i
  for ((i = 2; i < CURRENT; i++)); do
    ${nextName(places, 'words[i]')}
  done
  case "$name" in
${cases(places, (words) => `compadd -- ${words}`)}
  esac
  _files
}
compdef _compute_node compute-node
`,
  fish: (places) => `function __compute_node_name
  set -l name ''
  for word in (commandline -opc)[2..-1]
    test $word = -- && break
    set -l longer (string trim "$name $word")
    contains -- $longer ${placeNames(places).map(quoted).join(' ')} && set name $longer
  end
  test "$name" = "$argv[1]"
end
${places.flatMap(fishLines).join('\n')}
`,
}

/** In bash and zsh: a word makes the name longer where such a place is known; behind `--` all is free. */
const nextName = (places: readonly Place[], variable: string): string => {
  const word = `"\${${variable}}"`
  return [
    `[[ ${word} == -- ]] && return`,
    `case "\${name:+$name }"${word} in ${placeNames(places).map(quoted).join('|')}) name="\${name:+$name }"${word} ;; esac`,
  ].join('\n    ')
}

const placeNames = (places: readonly Place[]): string[] =>
  places.map(({ name }) => name).filter((name) => name !== '')

const cases = (places: readonly Place[], offer: (words: string) => string): string =>
  places
    .map(({ name, words, options }) => {
      const all = [...words.map(({ text }) => text), ...options.map(({ flag }) => flag)]
      return `    '${name}') ${offer(all.join(' '))} ;;`
    })
    .join('\n')

const fishLines = ({ name, words, options }: Place): string[] => {
  const here = `complete -c compute-node -n ${quoted(`__compute_node_name ${quoted(name)}`)}`
  return [
    ...words.map(({ text, does }) => `${here} -a ${text} -d ${quoted(does)}`),
    ...options.map(({ flag, short, does, isValued: takes }) =>
      [
        here,
        `-l ${flag.replace(/^--/, '')}`,
        ...(short === undefined ? [] : [`-s ${short}`]),
        ...(takes ? ['-r'] : []),
        `-d ${quoted(does)}`,
      ].join(' '),
    ),
  ]
}

/** In single quotes, as all three shells read them; fish alone knows escapes inside. */
const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`

/** Every place, made from the table of commands; what runs a node is taken at the beginning. */
function placesOf(node: Command, commands: readonly Command[]): Place[] {
  const groups = new Set(commands.flatMap(({ name }) => name.split(' ').slice(0, -1)))
  const names = new Set(['', ...groups, ...commands.map(({ name }) => name)])
  return [...names].map((name) => {
    const command = name === '' ? node : commands.find((each) => each.name === name)
    return {
      name,
      words: wordsAfter(name, commands),
      options: command === undefined ? [] : choicesOf(command),
    }
  })
}

function wordsAfter(name: string, commands: readonly Command[]): Word[] {
  const begin = name === '' ? '' : `${name} `
  const after = commands.filter((each) => each.name.startsWith(begin) && each.name !== name)
  const words = new Map<string, string>()
  for (const { name: whole, describe } of after) {
    const [text = '', ...more] = whole.slice(begin.length).split(' ')
    if (!words.has(text)) words.set(text, more.length === 0 ? describe : 'a group of commands')
  }
  return [...words].map(([text, does]) => ({ text, does }))
}

const choicesOf = (command: Command): Choice[] =>
  [...optionTable]
    .filter(([key]) => takesOption(command, key))
    .map(([key, { describe, short }]) => ({
      flag: flagText(key),
      short,
      does: describe,
      isValued: isValued(key),
    }))

/** Prints a completion script made from the table of commands and that of options. */
export const completion =
  (node: Command, commands: readonly Command[]): Run =>
  async ({ args, terminal }) => {
    const script = shells[args[0]!]
    if (script === undefined) {
      throw new NodeError('BAD_CONFIG_USAGE', `no completion for "${args[0]}"`, {
        next: `choose one of ${Object.keys(shells).join(', ')}`,
      })
    }
    terminal.stdout.write(script(placesOf(node, commands)))
    return 0
  }
