import type { Writable } from 'node:stream'
import type { Exec } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import type { ControlToMiner } from '../../../protocols/session.ts'

/** Writes to a command's input, at its pace; nothing once it takes no more. */
export async function feed(exec: Exec, data: Uint8Array): Promise<void> {
  const { stdin } = exec
  if (stdin.destroyed || stdin.writableEnded) return
  if (stdin.write(data)) return
  await drainedOrClosed(stdin)
}

/** Until a full stream takes more, or is gone. */
export function drainedOrClosed(stream: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => {
    stream.off('drain', done).off('close', done)
    resolve()
  }
  stream.on('drain', done).on('close', done)
  return promise
}

/** Does what a control message says: end of input, a new size, a signal. */
export async function obey(exec: Exec, control: ControlToMiner): Promise<void> {
  if (control.kind === 'eof') exec.stdin.end()
  else if (control.kind === 'resize') await exec.resize(control)
  else if (control.kind === 'signal') await exec.kill(control.signal)
  else throw new NodeError('BAD_MESSAGE', `nothing here asks for ${control.kind}`)
}
