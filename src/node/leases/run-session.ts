import type { Readable, Writable } from 'node:stream'
import { pipe } from 'it-pipe'
import { sleep } from '../../clock.ts'
import type { Container, Exec } from '../../containers/engine.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { inPieces, toChannel } from '../../protocols/channel-pipe.ts'
import type { FrameChannel } from '../../protocols/frames.ts'
import {
  channels,
  controlToMiner,
  controlToRenter,
  type SessionRequest,
} from '../../protocols/session.ts'
import { secondsMs } from '../../units.ts'

/** How long a command may take to end after its renter left, before it is killed. */
const HANGUP_MS = secondsMs(3)
/** A pull of a stream may be larger than a frame. */
const PIECE_BYTES = 128 * 1024

/**
 * Runs one session in a container, bytes both ways, until its command ends or its renter leaves: then the command is
 * hung up on, and killed when that does not end it.
 */
export async function runSession(
  container: Container,
  request: SessionRequest,
  channel: FrameChannel,
  { closing, left }: { readonly closing: AbortSignal; readonly left: AbortSignal },
): Promise<void> {
  if (request.kind === 'logs') return sendLogs(container, channel)
  const exec = await startCommand(container, request)
  try {
    await channel.send(channels.control, controlToRenter.encode({ kind: 'started' }))
    using closed = whenAborted(closing)
    using gone = whenAborted(left)
    await Promise.race([
      sendOutput(exec, channel),
      takeInput(exec, channel),
      closed.aborted,
      gone.aborted,
    ])
  } catch (error) {
    await hangUp(exec)
    throw closing.aborted ? closing.reason : error
  }
}

function startCommand(container: Container, request: SessionRequest): Promise<Exec> {
  if (request.kind === 'exec' && request.command !== undefined) {
    return container.exec(request.command, { tty: request.tty, env: request.env })
  }
  throw new NodeError('BAD_MESSAGE', 'a session needs a command')
}

async function sendOutput(exec: Exec, channel: FrameChannel): Promise<void> {
  await Promise.all([
    sendAll(exec.stdout, channels.stdout, channel),
    sendAll(exec.stderr, channels.stderr, channel),
  ])
  await channel.send(channels.control, await outcome(exec))
}

/** A slow renter holds the reading back, and with it the command. */
const sendAll = (from: Readable | readonly Uint8Array[], to: number, channel: FrameChannel) =>
  pipe(from as AsyncIterable<Uint8Array>, inPieces(PIECE_BYTES), toChannel(channel, to))

/** The exit code, or that the engine cannot tell. */
async function outcome(exec: Exec): Promise<Uint8Array> {
  try {
    return controlToRenter.encode({ kind: 'exit', exitCode: (await exec.exitCode) & 255 })
  } catch (error) {
    const message = messageOf(error)
      .replace(/\p{Cc}+/gu, ' ')
      .slice(0, 500)
    return controlToRenter.encode({ kind: 'failed', code: codeOf(error), message })
  }
}

/**
 * Feeds what the renter sends. Never resolves while the command may still have output: only a renter that leaves
 * without saying so ends a session, by rejecting.
 */
async function takeInput(exec: Exec, channel: FrameChannel): Promise<never> {
  exec.stdin.on('error', () => undefined) // the command closed its input or ended: its exit code says so
  for await (const { channel: to, data } of channel.frames()) {
    if (to === channels.stdin) await feed(exec, data)
    else if (to === channels.control) await obey(exec, data)
    else throw new NodeError('BAD_MESSAGE', `channel ${to} is not for input`)
  }
  exec.stdin.end()
  return new Promise<never>(() => undefined)
}

async function feed(exec: Exec, data: Uint8Array): Promise<void> {
  const { stdin } = exec
  if (stdin.destroyed || stdin.writableEnded) return
  // Frames are views of a buffer that is used again.
  if (stdin.write(Uint8Array.from(data))) return
  await drainedOrClosed(stdin)
}

function drainedOrClosed(stream: Writable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => {
    stream.off('drain', done).off('close', done)
    resolve()
  }
  stream.on('drain', done).on('close', done)
  return promise
}

async function obey(exec: Exec, data: Uint8Array): Promise<void> {
  const control = controlToMiner.decode(data)
  if (control.kind === 'eof') exec.stdin.end()
  else if (control.kind === 'resize') await exec.resize(control)
  else await exec.kill(control.signal)
}

/** A promise that rejects when the signal aborts; disposing forgets it. */
function whenAborted(signal: AbortSignal) {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    aborted: promise,
    [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort),
  }
}

/** Ends a command whose renter is gone; what it prints from here on nobody reads. */
async function hangUp(exec: Exec): Promise<void> {
  exec.stdin.destroy()
  exec.stdout.resume()
  exec.stderr.resume()
  const ended = exec.exitCode.then(
    () => true,
    () => true,
  )
  await exec.kill('SIGHUP').catch(() => undefined) // SIGKILL follows, and says so when the engine is gone
  const inTime = await Promise.race([ended, sleep(HANGUP_MS).then(() => false)])
  if (!inTime) await exec.kill('SIGKILL')
}

async function sendLogs(container: Container, channel: FrameChannel): Promise<void> {
  const { stdout, stderr } = await container.logs()
  await sendAll([stdout], channels.stdout, channel)
  await sendAll([stderr], channels.stderr, channel)
  await channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 }))
}
