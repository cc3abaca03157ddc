import type { Config } from '../config.ts'

/** Where a command reads and writes; tests pass their own. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

export interface CommandContext {
  readonly config: Config
  /** Positional arguments before `--`. */
  readonly args: readonly string[]
  /** What stands after `--`, untouched; undefined without a `--`. */
  readonly rest: readonly string[] | undefined
  readonly terminal: Terminal
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
}

/** One command of the command line; its file is named after it. */
export interface Command {
  /** As typed, e.g. `offers` or `chain metagraph`. */
  readonly name: string
  /** Positional arguments as shown in help, e.g. `[QUERY]`. */
  readonly usage: string
  /** One sentence for the list of commands. */
  readonly describe: string
  /** Names of options (keys of the option table) that it reads besides the global ones. */
  readonly options: readonly string[]
  /** Pasteable examples, each with what it does. */
  readonly examples?: readonly (readonly [command: string, does: string])[]
  /** Runs it; resolves with the exit code (DESIGN.md, "Command line"). Errors are thrown as NodeError. */
  run(context: CommandContext): Promise<number>
}
