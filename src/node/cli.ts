import { codeOf, messageOf, NodeError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import type { Command, Terminal } from './commands/command.ts'
import { commands, runNodeCommand } from './commands/command-table.ts'
import { takesOption } from './commands/takes-option.ts'
import { type Config, loadConfig } from './config.ts'
import { exitCodeOf, INTERRUPTED } from './exit-codes.ts'
import { commandHelp, findCommand, groupHelp, membersOf, programHelp } from './help.ts'
import { createInterrupts, type Interrupts } from './interrupts.ts'
import { nextStepFor } from './next-step.ts'
import { flagName } from './options.ts'
import { printable, toJson } from './output.ts'
import { packageVersion } from './package-version.ts'
import { boundYoungGeneration } from './young-generation.ts'

export interface CliOptions {
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly warnFirst?: Interrupts['warnFirst'] | undefined
}

/** Runs one command line and resolves with the exit code; every failure is printed, none is thrown. */
export async function runCli(argv: readonly string[], options: CliOptions): Promise<number> {
  const { terminal, env, signal, warnFirst } = options
  try {
    const line = parseCommandLine(argv, (words) => optionAdvice(words, argv.includes('--')))
    if (line.flags.has('version')) return say(terminal, `${packageVersion()}\n`)
    if (line.flags.has('help')) return say(terminal, await helpFor(line.words))
    if (line.words[0] === 'help') return say(terminal, await helpFor(line.words.slice(1)))
    if (argv.length === 0 && !hasRole(env)) return say(terminal, programHelp())
    const { command, args } = chooseCommand(line)
    checkOptions(command, args, line)
    const config = loadConfig({ flags: line.flags, env, command: command.name })
    checkArguments(command, args, line, config)
    const run = await command.load()
    const given = new Set(line.flags.keys())
    return await run({ config, args, rest: line.rest, given, terminal, signal, warnFirst })
  } catch (error) {
    return printError(error, argv, options)
  }
}

/** What to do about a wrong option: read the help, or write `--` before a program that runs in a lease. */
function optionAdvice(words: readonly string[], hasRest: boolean): string {
  const found = findCommand(words)
  if (found !== undefined && !hasRest && lacksDashes(found.command, found.args)) {
    return behindDashes(found.command)
  }
  return `${['compute-node', found?.command.name, '--help'].filter(Boolean).join(' ')} lists the options`
}

/** Whether more words stand there than the command takes before `--`, as `docker exec` has them. */
const lacksDashes = ({ takesRest, args: [, most] = [0, 0] }: Command, args: readonly string[]) =>
  takesRest === true && args.length > most

const behindDashes = ({ name, usage }: Command): string =>
  `write what goes on from there behind --: compute-node ${name} ${usage.replace(/\[(-- .*)\]$/, '$1')}`

const hasRole = (env: NodeJS.ProcessEnv): boolean => (env['COMPUTE_NODE_ROLE'] ?? '') !== ''

function say({ stdout }: Terminal, text: string): number {
  stdout.write(text)
  return 0
}

async function helpFor(words: readonly string[]): Promise<string> {
  if (words.length === 0) return programHelp()
  const found = findCommand(words)
  if (found !== undefined && words.join(' ').startsWith(found.command.name)) {
    return commandHelp(found.command)
  }
  const group = groupHelp(words[0]!)
  if (group === undefined) throw unknownCommand(words)
  return group
}

function chooseCommand({ words }: CommandLine): { command: Command; args: readonly string[] } {
  if (words.length === 0) return { command: runNodeCommand, args: [] }
  const found = findCommand(words)
  if (found === undefined) throw unknownCommand(words)
  return found
}

function unknownCommand(words: readonly string[]): NodeError {
  const group = new Set(membersOf(words[0]!).map(({ name }) => name.split(' ')[1]!))
  if (group.size > 0) {
    const near = words[1] === undefined ? undefined : nearest(words[1], group)
    const hint = near === undefined ? '' : `; did you mean ${near}?`
    const next = `compute-node ${words[0]} --help`
    return usage(`"${words[0]}" is one of: ${[...group].join(', ')}${hint}`, next)
  }
  const near = nearest(
    words[0]!,
    new Set(commands.flatMap(({ name }) => [name, name.split(' ')[0]!])),
  )
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return usage(`there is no command "${words[0]}"${hint}`, 'compute-node --help lists the commands')
}

const usage = (message: string, next: string): NodeError =>
  new NodeError('BAD_CONFIG_USAGE', message, { next })

/** An option that a command never reads is a mistake, not something to pass over. */
function checkOptions(
  command: Command,
  args: readonly string[],
  { flags, rest }: CommandLine,
): void {
  for (const key of flags.keys()) {
    if (takesOption(command, key)) continue
    const owners = [runNodeCommand, ...commands].filter((each) => takesOption(each, key))
    const belongs = owners.map(({ name }) => name || 'a node (--role)').join(', ')
    throw usage(
      `${command.name || 'a node'} does not take --${flagName(key)}; it belongs to ${belongs}`,
      rest === undefined && lacksDashes(command, args)
        ? behindDashes(command)
        : `compute-node ${command.name} --help`.replace('  ', ' '),
    )
  }
}

function checkArguments(
  command: Command,
  args: readonly string[],
  { rest }: CommandLine,
  config: Config,
): void {
  const [least, most] = command.args ?? [0, 0]
  const next = `compute-node ${command.name} --help`.replace('  ', ' ')
  if (command === runNodeCommand && config.roles.length === 0) {
    throw usage('nothing to do: give a command, or a --role to run a node', next)
  }
  const shown = `compute-node ${command.name} ${command.usage}`.trimEnd()
  if (args.length < least) throw usage(`an argument is missing: ${shown}`, next)
  if (args.length > most) {
    const advice = rest === undefined && lacksDashes(command, args) ? behindDashes(command) : next
    throw usage(`"${args[most]}" is one argument too many: ${shown}`, advice)
  }
  if (rest !== undefined && command.takesRest !== true) {
    throw usage(`${command.name || 'a node'} takes nothing after --`, next)
  }
}

/**
 * One clear line and the next step on stderr; with `--json` one line `{"error":{code,message,next}}`, the last on
 * stdout. An error that nobody foresaw shows its stack with `--log-level debug`.
 */
function printError(
  thrown: unknown,
  argv: readonly string[],
  { terminal, signal }: CliOptions,
): number {
  const error = interruption(signal, thrown) ?? thrown
  const message = printable(messageOf(error).replace(/\s*\n\s*/g, ' '))
  const own = argv.slice(0, argv.indexOf('--') < 0 ? argv.length : argv.indexOf('--'))
  const said = error instanceof NodeError ? error.next : undefined
  const next = said === undefined ? undefined : nextStepFor(own, said)
  if (own.includes('--json')) {
    const body = { code: codeOf(error), message, ...(next === undefined ? {} : { next }) }
    terminal.stdout.write(`${toJson({ error: body })}\n`)
  } else {
    terminal.stderr.write(`compute-node: ${message}\n`)
    if (next !== undefined) terminal.stderr.write(`  next: ${printable(next)}\n`)
  }
  if (own.join(' ').includes('--log-level debug') && error instanceof Error) {
    terminal.stderr.write(`${error.stack}\n`)
  }
  return exitCodeOf(error)
}

/** What Ctrl-C tore apart is no failure to explain: the interruption is. */
function interruption(signal: AbortSignal, thrown: unknown): unknown {
  const torn = !(thrown instanceof NodeError) || TORN.has(thrown.code)
  return signal.aborted && torn ? signal.reason : undefined
}

/** What a connection says of itself that Ctrl-C cut off. */
const TORN: ReadonlySet<string> = new Set(['FAILED_NODE_STOPPED', 'CHAIN_UNREACHABLE'])

/** The program: the first Ctrl-C or SIGTERM ends it in order, another one at once. */
export async function main(argv: readonly string[]): Promise<void> {
  boundYoungGeneration()
  const interrupts = createInterrupts(Date.now, () => process.exit(INTERRUPTED))
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, interrupts.press)
  endWithParent(() => interrupts.press('the end of the process that started it'))
  // A reader that went away (`compute-node offers | head`) is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const { env, stdin, stdout, stderr } = process
  const terminal = { stdin, stdout, stderr }
  const { signal, warnFirst } = interrupts
  const exitCode = await runCli(argv, { terminal, env, signal, warnFirst })
  await flushed(stdout)
  process.exit(exitCode)
}

/** Who starts this process with a channel (the launcher on an older Node, a devnet) takes it along when killed. */
function endWithParent(stop: () => void): void {
  if (process.channel === undefined) return
  process.channel?.unref()
  process.on('disconnect', stop)
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()))

if (import.meta.main) await main(process.argv.slice(2))
