import { NodeError } from '../../errors.ts'
import { flagName, optionTable } from '../options.ts'
import type { Run } from './command.ts'

const shells: Readonly<Record<string, (words: readonly string[]) => string>> = {
  bash: (words) => `_compute_node() {
  COMPREPLY=($(compgen -W "${words.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _compute_node compute-node
`,
  zsh: (words) => `#compdef compute-node
_compute_node() {
  compadd -- ${words.join(' ')}
  _files
}
compdef _compute_node compute-node
`,
  fish: (words) => `${words.map((word) => `complete -c compute-node -a '${word}'`).join('\n')}\n`,
}

/** Prints a completion script made from the option table and the commands' names. */
export const completion =
  (commandNames: readonly string[]): Run =>
  async ({ args, terminal }) => {
    const script = shells[args[0]!]
    if (script === undefined) {
      throw new NodeError('BAD_CONFIG_USAGE', `no completion for "${args[0]}"`, {
        next: `choose one of ${Object.keys(shells).join(', ')}`,
      })
    }
    const words = new Set(commandNames.flatMap((name) => name.split(' ')))
    const flags = [...optionTable.keys()].map((key) => `--${flagName(key)}`)
    terminal.stdout.write(script([...words, ...flags]))
    return 0
  }
