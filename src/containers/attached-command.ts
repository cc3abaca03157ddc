import { type Duplex, Writable } from 'node:stream'
import { sleep } from '../clock.ts'
import { NodeError } from '../errors.ts'
import type { Exec } from './engine.ts'
import { spoolOutput } from './spooled-output.ts'
import type { StartRefusal } from './start-refusal.ts'

export interface CommandState {
  readonly running: boolean
  /** Null when the engine lost it. */
  readonly exitCode: number | null
  /** On the engine's machine; 0 for one that never started, or did a moment ago. */
  readonly pid?: number | undefined
}

export interface AttachedCommand {
  /** The hijacked connection: the command's stdin, and its outputs framed (not for a terminal). */
  readonly socket: Duplex
  readonly tty: boolean
  readonly inspect: () => Promise<CommandState>
  readonly resize: Exec['resize']
  readonly kill: Exec['kill']
  /** What engine's words mean that are printed in place of a command that did not start; not looked for without it. */
  readonly refusalOf?: (output: string) => StartRefusal | undefined
}

const END_OF_INPUT = '\x04'
const ASK_AGAIN_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2000]

/** An Exec over a command that the engine has attached us to. */
export function attachedCommand(command: AttachedCommand): Exec {
  const { socket, tty, inspect, resize, kill, refusalOf } = command
  let refused: StartRefusal | undefined
  const { stdout, stderr, received } = spoolOutput(socket, {
    tty,
    hasEnded: async () => !(await inspect()).running,
    insteadOf(output) {
      const refusal = refusalOf?.(output)
      return (
        refusal &&
        neverStarted(inspect).then((never) => {
          if (!never) return undefined
          refused = refusal
          return `${refusal.says}${tty ? '\r\n' : '\n'}`
        })
      )
    },
  })
  const exitCode = received.then(() => refused?.exitCode ?? exitCodeOf(inspect))
  exitCode.catch(() => undefined) // whoever awaits it is told; nobody needs to
  return { stdin: inputOf(socket, tty), stdout, stderr, exitCode, resize, kill }
}

/** A command that prints what its engine would has a number, or gets one within moments. */
async function neverStarted(inspect: AttachedCommand['inspect']): Promise<boolean> {
  for (const pauseMs of ASK_AGAIN_MS) {
    const state = await inspect().catch(() => undefined) // no answer says nothing
    if (state === undefined || (state.pid ?? 0) > 0) return false
    if (!state.running) return state.exitCode === 126 || state.exitCode === 127
    await sleep(pauseMs)
  }
  return false
}

/** A connection that ends says nothing of the command: only the engine's own word counts. */
async function exitCodeOf(inspect: AttachedCommand['inspect']): Promise<number> {
  for (const pauseMs of ASK_AGAIN_MS) {
    const state = await inspect()
    if (!state.running) {
      if (state.exitCode !== null) return state.exitCode
      break
    }
    await sleep(pauseMs)
  }
  throw new NodeError('ENGINE_UNKNOWN', 'Docker closed the connection but tells no exit code', {
    next: 'the command may still run: look into the container, or stop the lease',
  })
}

/** How often a terminal is told again that its input has ended. */
const END_AGAIN_MS = 1000

/**
 * Types Ctrl-D now and again until the command has ended. Once is not enough: typed while a shell is still setting up
 * its terminal it is lost, and it ends one program's input, not that of the shell around it.
 */
function endTerminal(socket: Duplex, pass: (data: string, done: () => void) => void): void {
  const again = setInterval(() => pass(END_OF_INPUT, () => undefined), END_AGAIN_MS)
  socket.once('close', () => clearInterval(again))
  if (socket.closed) clearInterval(again)
}

/** Ending a terminal's connection would stop its output while the command runs on, so Ctrl-D is typed instead. */
function inputOf(socket: Duplex, tty: boolean): Writable {
  const pass = (data: Buffer | string, done: () => void): void => {
    // A command that has ended reads nothing more: what is written to it is dropped, as a shell does.
    if (socket.writable) socket.write(data, () => done())
    else done()
  }
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => pass(chunk, done),
    writev(chunks, done) {
      socket.cork()
      for (const { chunk } of chunks.slice(0, -1)) pass(chunk, () => undefined)
      pass(chunks.at(-1)!.chunk, done)
      socket.uncork()
    },
    final(done) {
      if (tty) {
        pass(END_OF_INPUT, done)
        endTerminal(socket, pass)
      } else if (socket.writable) socket.end(done)
      else done()
    },
  })
}
