import { NodeError } from '../errors.ts'
import type { ByteStream } from './byte-stream.ts'
import type { Session, SessionInput } from './session.ts'

/** What can be told to a command. */
export type Signal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGTERM' | 'SIGKILL'

/** What a command printed, as text, and how it ended. */
export interface ProcessOutput {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A command in a lease. Streams and `exit` throw what broke it: PEER_OUTCOME_UNKNOWN when the connection was lost while
 * it ran. Disposing it hangs up, which ends the command.
 */
export interface LeaseProcess extends Disposable {
  /** Open with `stdin: 'pipe'`; else it is fed from what was given, or is at its end. */
  readonly stdin: SessionInput
  readonly stdout: ByteStream
  readonly stderr: ByteStream
  /** The exit code, once all output came. What nobody reads holds nothing back then, and keeps its newest MiB. */
  readonly exit: Promise<number>
  /** Waits for the end and collects both outputs. */
  output(): Promise<ProcessOutput>
  /** What it printed on stdout, without the last newline; FAILED_EXIT (see `isExit`) when it ended with another code than 0. */
  text(): Promise<string>
  /** Tells it a signal; SIGTERM where none is named. */
  kill(signal?: Signal): Promise<void>
}

/** What a command reads: text, bytes or a source of them; `pipe`: what is written to the handle's `stdin`. */
export type ProcessInput =
  | 'pipe'
  | { readonly text: string }
  | Uint8Array
  | AsyncIterable<string | Uint8Array>

/** The handle of a session of kind exec. Input that breaks ends it with that error. */
export function leaseProcess(session: Session, input: ProcessInput | undefined): LeaseProcess {
  const { stdin, stdout, stderr, tell } = session
  if (input !== 'pipe') {
    // That the session is gone, its end tells; what breaks the source ends the session.
    feed(stdin, input).catch((error: unknown) => session.fail(error))
  }
  const exitOf = async (): Promise<number> => {
    const code = await session.ended()
    if (code !== undefined) return code
    throw new NodeError('PEER_OUTCOME_UNKNOWN', 'the command ended without an exit code')
  }
  const output = async (): Promise<ProcessOutput> => {
    const [out, err, exitCode] = await Promise.all([stdout.text(), stderr.text(), exitOf()])
    return { exitCode, stdout: out, stderr: err }
  }
  return {
    stdin,
    stdout,
    stderr,
    get exit() {
      return exitOf()
    },
    output,
    async text() {
      const printed = await output()
      if (printed.exitCode === 0) return printed.stdout.replace(/\r?\n$/, '')
      throw failedExit(printed)
    },
    kill: (signal = 'SIGTERM') => tell({ kind: 'signal', signal }),
    [Symbol.dispose]: () => session[Symbol.dispose](),
  }
}

async function feed(stdin: SessionInput, input: Exclude<ProcessInput, 'pipe'> | undefined) {
  if (input instanceof Uint8Array) await stdin.write(input)
  else if (input !== undefined && 'text' in input) await stdin.write(input.text)
  else if (input !== undefined) for await (const data of input) await stdin.write(data)
  await stdin.end()
}

const LINE_CHARACTERS = 200

/** The command itself is not named: its arguments may hold what is secret. */
function failedExit({ exitCode, stderr }: ProcessOutput): NodeError {
  const line = stderr.trimEnd().split('\n').at(-1)?.slice(0, LINE_CHARACTERS) ?? ''
  const said = line === '' ? '' : `: ${line}`
  return new NodeError('FAILED_EXIT', `the command ended with exit code ${exitCode}${said}`, {
    exitCode,
    stderr,
  })
}
