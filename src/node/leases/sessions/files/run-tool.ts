import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import type { Exec } from '../../../../containers/engine.ts'
import { NodeError } from '../../../../errors.ts'
import { gather } from '../../../copy/gather.ts'
import { hangUp } from '../hang-up.ts'
import type { FilesPlace } from './files-place.ts'

/** What a tool says of its failure is kept up to here. */
const ERROR_BYTES = 2000

/** A command of the toolbox that works on the container's files; disposing it ends it with all that it started. */
export interface Tool extends AsyncDisposable {
  readonly exec: Exec
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

/** Runs a busybox shell's script with arguments; `$b` is busybox, for the image may have no tools of its own. */
export const runScript = (
  place: FilesPlace,
  script: string,
  ...args: readonly string[]
): Promise<Tool> =>
  runTool(place, 'sh', '-c', `b=$1; shift; ${place.guard}\n${script}`, 'sh', place.busybox, ...args)

/** Runs an applet of busybox. */
export async function runTool(place: FilesPlace, ...args: readonly string[]): Promise<Tool> {
  const { container, busybox, options, signal } = place
  signal.throwIfAborted()
  const exec = await container.exec([busybox, ...args], options)
  exec.stdin.on('error', () => undefined) // it ended: its exit code says why
  let said = ''
  let isOver = false
  exec.stderr.on('data', (chunk: Buffer) => {
    if (said.length < ERROR_BYTES) said += chunk.toString('utf8')
  })
  const leave = (): void => void hangUp(exec).catch(() => undefined) // an engine that is gone says so to the next who asks
  signal.addEventListener('abort', leave, { once: true })
  const ended = exec.exitCode.finally(() => {
    isOver = true
    signal.removeEventListener('abort', leave)
  })
  ended.catch(() => undefined) // told by `done`
  const done = async (): Promise<void> => {
    exec.stdout.resume()
    const code = await ended
    if (!exec.stderr.closed) await once(exec.stderr, 'close')
    if (code !== 0) throw toolError(said, code)
  }
  const input = gather((pieces) => writeAll(pipe ?? exec.stdin, pieces))
  let pipe: Socket | undefined
  const writeAll = async (stdin: Writable, pieces: Uint8Array[]): Promise<void> => {
    if (isOver || stdin.destroyed) {
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
    exec,
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
      if (!isOver) await hangUp(exec)
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
