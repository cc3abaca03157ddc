import { close, constants, fstat, open } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import type { ExecMark } from './exec-mark.ts'

/** Linux's: a file that is only held, not opened, and stays the same one whatever its name leads to meanwhile. */
const O_PATH = 0o10000000

const [openFile, statFile, closeFile] = [promisify(open), promisify(fstat), promisify(close)]

/** The pipe that a command has as its standard input, held open. */
export interface InputPipe extends AsyncDisposable {
  /** Its bytes from now on, once; whoever takes it destroys it. */
  stream(): Socket
}

/**
 * Opens the standard input of a process of a container on this machine, past the engine: to write to it, or to read
 * what the process itself writes to `/proc/self/fd/0`. What is opened is the pipe that the process holds, never a path:
 * nothing in the container's files is followed from outside, and whatever else a tenant puts in its place is refused.
 * Undefined where that cannot be: no Linux, another user's engine, another machine's, or no pipe.
 */
export async function openInputPipe(
  pid: number,
  mark: ExecMark,
  way: 'read' | 'write',
): Promise<InputPipe | undefined> {
  const fd = await openPipeOf(pid, mark, way).catch(() => undefined) // the engine's own way is always there
  if (fd === undefined) return undefined
  let isTaken = false
  return {
    stream() {
      isTaken = true
      return new Socket({ fd, readable: way === 'read', writable: way === 'write' })
    },
    async [Symbol.asyncDispose]() {
      if (!isTaken) await closeFile(fd)
    },
  }
}

async function openPipeOf(
  pid: number,
  mark: ExecMark,
  way: 'read' | 'write',
): Promise<number | undefined> {
  const held = await openFile(`/proc/${pid}/fd/0`, O_PATH)
  try {
    if (!(await statFile(held)).isFIFO() || !(await bears(pid, mark))) return undefined
    const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants
    // Not to wait for another end: a tenant may have put a named pipe there.
    return await openFile(
      `/proc/self/fd/${held}`,
      (way === 'read' ? O_RDONLY : O_WRONLY) | O_NONBLOCK,
    )
  } finally {
    await closeFile(held)
  }
}

/** Asked once its input is held: a process that bears the mark has had this number since before we knew it. */
async function bears(pid: number, { name, value }: ExecMark): Promise<boolean> {
  const environment = await readFile(`/proc/${pid}/environ`, 'latin1')
  return environment.split('\0').includes(`${name}=${value}`)
}
