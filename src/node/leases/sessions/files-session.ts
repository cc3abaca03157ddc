import type { Container } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import { minersTalk } from '../../../protocols/files-talk.ts'
import type { SessionOf } from '../../../protocols/session.ts'
import type { FilesToMiner } from '../../../protocols/session-files.ts'
import { type FilesPlace, filesPlace } from './files/files-place.ts'
import { look, type MinersTalk } from './files/look.ts'
import { readFile, readNames } from './files/read-files.ts'
import { putEntries, setModes, writeFile } from './files/write-files.ts'
import type { SessionRun } from './session-run.ts'
import { whenAborted } from './when-aborted.ts'

/** Copies into or out of one lease at once: each may hold some megabytes here. */
export const MAX_COPIES = 8

const open = new WeakMap<Container, number>()

/** Reads and writes files inside a container, one request after the other, until the renter has no more. */
export async function runFiles(run: SessionRun<SessionOf<'files'>>): Promise<void> {
  const { container, request, channel, closing, left } = run
  using _place = takePlace(container)
  const { workingDir, user } = request
  const options = {
    ...(workingDir === undefined ? {} : { workingDir }),
    ...(user === undefined ? {} : { user }),
  }
  const over = new AbortController()
  const place = await filesPlace(container, options, over.signal)
  using closed = whenAborted(closing)
  using gone = whenAborted(left)
  const serving = serve(place, minersTalk(channel))
  try {
    await Promise.race([serving, closed.aborted, gone.aborted])
  } catch (error) {
    throw closing.aborted ? closing.reason : error
  } finally {
    over.abort(new NodeError('FAILED', 'the copy was ended'))
    serving.catch(() => undefined) // its tools are hung up on and its channel ends: there is nobody to tell
  }
}

async function serve(place: FilesPlace, talk: MinersTalk): Promise<void> {
  for (;;) {
    const heard = await talk.hear()
    if (heard === undefined) return place.shells.end()
    if (!('message' in heard)) throw new NodeError('BAD_MESSAGE', 'contents that nobody asked for')
    await answer(place, heard.message, talk)
  }
}

function answer(place: FilesPlace, message: FilesToMiner, talk: MinersTalk): Promise<void> {
  switch (message.kind) {
    case 'look':
      return look(place, message, talk)
    case 'names':
      return readNames(place, message, talk)
    case 'read':
      return readFile(place, message, talk)
    case 'put':
      return putEntries(place, message, talk)
    case 'write':
      return writeFile(place, message, talk)
    case 'modes':
      return setModes(place, message, talk)
    default:
      throw new NodeError('BAD_MESSAGE', `${message.kind} has no place here`)
  }
}

function takePlace(container: Container): Disposable {
  const count = open.get(container) ?? 0
  if (count >= MAX_COPIES) {
    throw new NodeError('REFUSED_COPIES', `at most ${MAX_COPIES} copies at once in a lease`, {
      next: 'wait until one of them has ended',
    })
  }
  open.set(container, count + 1)
  return { [Symbol.dispose]: () => void open.set(container, open.get(container)! - 1) }
}
