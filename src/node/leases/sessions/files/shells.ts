import { sleep } from '../../../../clock.ts'
import { type ByteReader, createByteReader } from '../../../../containers/byte-reader.ts'
import type { Container, Exec, SpawnOptions } from '../../../../containers/engine.ts'
import { secondsMs } from '../../../../units.ts'
import { hangUp } from '../hang-up.ts'

/** What a tool says of its failure is kept up to here. */
export const ERROR_BYTES = 2000
/** How long a shell may take to end after its input did. */
const PATIENCE_MS = secondsMs(3)

/**
 * `$1` is busybox, as `$b` of scripts. Lines of a script come behind a colon; after them either a word, and the script is
 * run, its output ended with that word, its exit code, what it said of failures, and the word again; or `!`, and the
 * script gets all that is left of this shell: its input, its outputs and its exit code.
 */
const LOADER = `
b=$1 c=
while IFS= read -r l; do
  case $l in
  :*) c="$c\${l#:}
" ;;
  !) eval "$c"; exit ;;
  *) said=$(eval "$c" 2>&1 >&3 </dev/null)
    echo "$l$? $said$l" >&3
    c= ;;
  esac
done 3>&1`

/** A shell of the toolbox in the container, which waits for scripts. */
export interface Shell {
  readonly exec: Exec
  /** All that it prints. */
  readonly output: ByteReader
  /** Resolves with its exit code. */
  readonly ended: Promise<number>
  readonly isOver: boolean
  /** What it said of its failure. */
  readonly said: string
  /** Sends a script with its arguments; `how` as LOADER has it. */
  begin(script: string, args: readonly string[], how: string): void
  /** Ends it with all that it started. */
  hangUp(): Promise<void>
}

/** Shells of one session: a script costs nothing of the engine in one that is there, and as much as 0.1 s in one that must be started. */
export interface Shells {
  /** The one that does small scripts in turn. */
  kept(): Promise<Shell>
  /** One for a single script; `isFollowed` says that another will be wanted soon. */
  take(isFollowed: boolean): Promise<Shell>
  /** Lets the one that is kept end by itself. */
  end(): void
}

export interface ShellPlace {
  readonly container: Container
  readonly busybox: string
  readonly options: SpawnOptions
  /** Aborts when the session is over: whatever still runs is hung up on. */
  readonly signal: AbortSignal
}

/** The first is started at once, while the session's first question is on its way. */
export function createShells(place: ShellPlace): Shells {
  const start = (): Promise<Shell> => {
    const shell = startShell(place)
    shell.catch(() => undefined) // whoever needs it is told
    return shell
  }
  let next: Promise<Shell> | undefined = start()
  let taken = 0
  return {
    kept: () => (next ??= start()),
    take(isFollowed) {
      const shell = next ?? start()
      // What was taken twice will be taken again.
      next = isFollowed || ++taken > 1 ? start() : undefined
      return shell
    },
    end() {
      next?.then(endIdle).catch(() => undefined) // of one that never started, or whose engine is gone, nothing is left
      next = undefined
    },
  }
}

async function startShell({ container, busybox, options, signal }: ShellPlace): Promise<Shell> {
  signal.throwIfAborted()
  const exec = await container.exec([busybox, 'sh', '-c', LOADER, 'sh', busybox], options)
  exec.stdin.on('error', () => undefined) // it ended: its exit code says why
  let said = ''
  let isOver = false
  exec.stderr.on('data', (chunk: Buffer) => {
    if (said.length < ERROR_BYTES) said += chunk.toString('utf8')
  })
  const leave = (): void => void hangUp(exec).catch(() => undefined) // an engine that is gone says so to the next who asks
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  const ended = exec.exitCode.finally(() => {
    isOver = true
    signal.removeEventListener('abort', leave)
  })
  ended.catch(() => undefined) // told to whoever asks it something
  return {
    exec,
    output: createByteReader(exec.stdout),
    ended,
    get isOver() {
      return isOver
    },
    get said() {
      return said
    },
    begin(script, args, how) {
      const text = `set -- ${args.map(quoted).join(' ')}\n${script}`
      const lines = text.split('\n').map((line) => `:${line}\n`)
      exec.stdin.write(`${lines.join('')}${how}\n`)
    },
    hangUp: () => hangUp(exec),
  }
}

/** A word of a shell's script, whatever is in it. */
export const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`

async function endIdle(shell: Shell): Promise<void> {
  shell.exec.stdin.end()
  const patience = new AbortController()
  const enough = sleep(PATIENCE_MS, patience.signal).catch(() => undefined) // it ended before
  await Promise.race([shell.ended, enough])
  patience.abort()
  if (!shell.isOver) await shell.hangUp()
}
