import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { ByteReader } from '../../../../containers/byte-reader.ts'
import { NodeError } from '../../../../errors.ts'
import { KiB } from '../../../../units.ts'
import { gather } from '../../../copy/gather.ts'
import type { FilesPlace } from './files-place.ts'
import { ERROR_BYTES, type Shell } from './shells.ts'

const PIECE_BYTES = 64 * KiB

/** A command of the toolbox that works on the container's files; disposing it ends it with all that it started. */
export interface Tool extends AsyncDisposable {
  /** All that it prints. */
  readonly output: ByteReader
  /** A line of input, before any of `feed`. */
  sayTo(line: string): void
  /** Resolves when it ended well. @throws FAILED_FILES with what it said, FAILED_LEASE_DISK */
  done(): Promise<void>
  /** More input, at its pace; `data` must stay as it is. Rejects with what it said once it takes no more. */
  feed(data: Uint8Array): Promise<void>
  /**
   * The pipe of its input past the engine: from now on `feed` writes into it, or what it writes there is read. `ready`
   * is called with whether there is one, before the first byte, and may refuse it. Undefined where there is none.
   */
  pastEngine(
    way: 'read' | 'write',
    ready?: (isThere: boolean) => Promise<boolean>,
  ): Promise<Socket | undefined>
  /** Hands over all input and ends it. */
  endInput(): Promise<void>
}

/**
 * Runs a busybox shell's script with arguments in a shell of its own; `$b` is busybox, for the image may have no tools of
 * its own. `isFollowed` says that something else will be run soon.
 */
export async function runScript(
  place: FilesPlace,
  { script, args, isFollowed = false }: Script & { readonly isFollowed?: boolean },
): Promise<Tool> {
  const shell = await place.shells.take(isFollowed)
  shell.begin(`${place.guard}\n${script}`, args, '!')
  return toolOf(shell)
}

export interface Script {
  readonly script: string
  readonly args: readonly string[]
}

/**
 * What a small script prints, one that needs no input; it is run where others were before.
 * @throws FAILED_FILES with what it said, FAILED_LEASE_DISK
 */
export async function* printed(
  place: FilesPlace,
  { script, args }: Script,
): AsyncGenerator<Buffer, void> {
  const shell = await place.shells.kept()
  const end = randomBytes(16).toString('hex') // nothing that it prints was chosen by who knew this
  shell.begin(`${place.guard}\n${script}`, args, end)
  const rest = yield* upTo(shell, Buffer.from(end))
  let code: string | undefined
  let said = ''
  for await (const data of upTo(shell, Buffer.from(end), rest)) {
    said += data.toString('utf8')
    if (code === undefined) [said, code] = outcomeOf(said)
    said = said.slice(-ERROR_BYTES) // its last line says why
  }
  if (code !== '0') throw toolError(said, Number(code))
}

/** What was said, and the exit code before it once all of that is there. */
function outcomeOf(text: string): [string, string | undefined] {
  const [, code, said] = /^(\d+) (.*)$/s.exec(text) ?? []
  return [said ?? text, code]
}

/** Runs a small script that prints nothing. */
export async function runSmall(place: FilesPlace, script: Script): Promise<void> {
  for await (const _ of printed(place, script));
}

/** What a shell prints before `end`, after what was read of it already; returns what of that comes behind it. */
async function* upTo(
  shell: Shell,
  end: Buffer,
  before: Buffer = Buffer.alloc(0),
): AsyncGenerator<Buffer, Buffer> {
  for (let held = before; ; ) {
    const at = held.indexOf(end)
    if (at > 0) yield held.subarray(0, at)
    if (at >= 0) return held.subarray(at + end.length)
    const sure = Math.max(0, held.length - end.length + 1)
    if (sure > 0) yield held.subarray(0, sure)
    const more = await shell.output.some(PIECE_BYTES)
    if (more === undefined) throw toolError(shell.said, await shell.ended)
    held = sure === held.length ? more : Buffer.concat([held.subarray(sure), more])
  }
}

function toolOf(shell: Shell): Tool {
  const { exec, output, ended } = shell
  const done = async (): Promise<void> => {
    exec.stdout.resume()
    const code = await ended
    if (!exec.stderr.closed) await once(exec.stderr, 'close')
    if (code !== 0) throw toolError(shell.said, code)
  }
  const input = gather((pieces) => writeAll(pipe ?? exec.stdin, pieces))
  let pipe: Socket | undefined
  const writeAll = async (stdin: Writable, pieces: Uint8Array[]): Promise<void> => {
    if (shell.isOver || stdin.destroyed) {
      await done()
      throw toolError('it took no more', 0)
    }
    stdin.cork()
    for (const piece of pieces) stdin.write(piece)
    stdin.uncork()
    if (!stdin.writableNeedDrain) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const go = (): void => resolve()
    stdin.once('drain', go).once('close', go)
    await Promise.race([promise, ended.catch(() => undefined)])
    stdin.off('drain', go).off('close', go)
  }
  return {
    output,
    sayTo: (line) => void exec.stdin.write(`${line}\n`),
    done,
    feed: input.add,
    async pastEngine(way, ready = async () => true) {
      await using held = await exec.inputPipe?.(way)
      if (!(await ready(held !== undefined)) || held === undefined) return undefined
      pipe = held.stream()
      pipe.on('error', () => undefined) // as of its input above
      return pipe
    },
    async endInput() {
      await input.flush()
      if (pipe !== undefined) await endOf(pipe, ended)
      exec.stdin.end()
    },
    async [Symbol.asyncDispose]() {
      pipe?.destroy()
      if (!shell.isOver) await shell.hangUp()
    },
  }
}

/** Until all of it was taken, or there is nobody who takes it. */
async function endOf(pipe: Socket, ended: Promise<unknown>): Promise<void> {
  const closed = pipe.closed ? undefined : once(pipe, 'close')
  pipe.end()
  await Promise.race([closed, ended]).catch(() => undefined) // why, `done` tells
}

/** Words of a program of ours, about names that its tenant chose. */
function toolError(said: string, code: number): NodeError {
  const line = said.trim().split('\n').at(-1) ?? ''
  const why = line
    .replace(/^(sh|tar|mv|cat|find|stat|mkdir|chmod|touch|readlink): /, '')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300)
  if (/no space left|quota exceeded/i.test(said)) {
    return new NodeError('FAILED_LEASE_DISK', `the disk of the lease is full: ${why}`, {
      next: 'make room in the container, then copy again: what came is not sent again; if you give it up, remove .cn-part-* beside the path',
    })
  }
  if (/is a (directory|folder)/i.test(said)) {
    return new NodeError('FAILED_FILES', why, {
      next: 'name a file in it, or copy a folder to a folder',
    })
  }
  return new NodeError('FAILED_FILES', why === '' ? `it failed with exit code ${code}` : why, {
    next: 'look at the path and its owner in the lease: compute-node exec LEASE -- ls -la PATH',
  })
}
