import type { Config } from '../config.ts'
import type { Interrupts } from '../interrupts.ts'
import type { OptionKey } from '../options.ts'

/** Where a command reads and writes; tests pass their own. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & {
    readonly isTTY?: boolean
    setRawMode?(isRaw: boolean): unknown
  }
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean
    readonly columns?: number
    readonly rows?: number
  }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export interface CommandContext {
  readonly config: Config
  /** Positional arguments before `--`. */
  readonly args: readonly string[]
  /** What stands after `--`, untouched; undefined without a `--`. */
  readonly rest: readonly string[] | undefined
  /** Options that stand on the command line itself, for commands that change what they name. */
  readonly given?: ReadonlySet<OptionKey>
  readonly terminal: Terminal
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** Lets the first Ctrl-C warn instead (interrupts.ts). */
  readonly warnFirst?: Interrupts['warnFirst'] | undefined
}

/**
 * What a command's file exports: resolves with the exit code (DESIGN.md, "Command line"); failures are thrown as
 * NodeError. Its help text is a row in table/, so that `--help` loads no command.
 */
export type Run = (context: CommandContext) => Promise<number>

/** One row of the command table. */
export interface Command {
  /** As typed, e.g. `offers` or `chain metagraph`. */
  readonly name: string
  /** Whether it is what the first word of its name alone runs, as `gpu` runs `gpu list`. */
  readonly isUsual?: boolean
  /** Positional arguments as shown in help, e.g. `[QUERY]`. */
  readonly usage: string
  /** One sentence for the list of commands. */
  readonly describe: string
  /** Keys of the option table that it reads besides the global and network ones; `node` stands for all of a node's. */
  readonly options: readonly (OptionKey | 'node')[]
  /** How many positional arguments it takes. */
  readonly args?: readonly [least: number, most: number]
  /** Whether it takes what stands after `--`. */
  readonly takesRest?: boolean
  /** Pasteable examples, each with what it does. */
  readonly examples?: readonly (readonly [command: string, does: string])[]
  /** More lines for its help, loaded only when that is shown. */
  readonly more?: () => Promise<readonly string[]>
  /** Loads the command's file and nothing before it is needed. */
  load(): Promise<Run>
}
