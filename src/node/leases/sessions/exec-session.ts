import type { Exec, Signalled, SpawnOptions } from '../../../containers/engine.ts'
import { NodeError } from '../../../errors.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import {
  channels,
  controlToMiner,
  controlToRenter,
  type SessionOf,
} from '../../../protocols/session.ts'
import { outcomeOf } from './command-outcome.ts'
import { feed, obey } from './feed-command.ts'
import { hangUp } from './hang-up.ts'
import { placeOf } from './place-of.ts'
import { sendAll } from './send-output.ts'
import type { SessionRun } from './session-run.ts'
import { whenAborted } from './when-aborted.ts'

/**
 * Runs a command in a container, bytes both ways, until it ends or its renter leaves: then the command is hung up on,
 * and killed when that does not end it.
 */
export async function runExec(run: SessionRun<SessionOf<'exec'>>): Promise<void> {
  const { command, tty, detach } = run.request
  const place = placeOf(run.request)
  if (detach === true) return runDetached(run, place)
  await attend(await run.container.exec(command, { tty, ...place }), run)
}

/** Stays with a command that runs, from `started` to its end or its renter's leaving, which ends `whom`. */
export async function attend(
  exec: Exec,
  { channel, closing, left }: Pick<SessionRun, 'channel' | 'closing' | 'left'>,
  whom: Signalled = 'all',
): Promise<void> {
  try {
    await channel.send(channels.control, controlToRenter.encode({ kind: 'started' }))
    using closed = whenAborted(closing)
    using gone = whenAborted(left)
    await Promise.race([
      sendOutput(exec, channel, closing),
      takeInput(exec, channel),
      closed.aborted,
      gone.aborted,
    ])
  } catch (error) {
    await hangUp(exec, whom)
    throw closing.aborted ? closing.reason : error
  }
}

/** It runs on when its renter goes; the renter gets its id, or why it did not start, and the code a shell would give. */
async function runDetached(
  { container, request, channel }: SessionRun<SessionOf<'exec'>>,
  place: SpawnOptions,
): Promise<void> {
  const tell = (message: Parameters<typeof controlToRenter.encode>[0]) =>
    channel.send(channels.control, controlToRenter.encode(message))
  try {
    const id = await container.spawn(request.command, place)
    await tell({ kind: 'detached', id })
    await tell({ kind: 'exit', exitCode: 0 })
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== 'FAILED_START') throw error
    await tell({ kind: 'started' })
    await channel.send(channels.stderr, Buffer.from(`${error.message}\n`))
    await tell({ kind: 'exit', exitCode: Number(error.details['exitCode']) })
  }
}

async function sendOutput(exec: Exec, channel: FrameChannel, closing: AbortSignal): Promise<void> {
  await Promise.all([
    sendAll(exec.stdout, channels.stdout, channel),
    sendAll(exec.stderr, channels.stderr, channel),
  ])
  const outcome = await outcomeOf(exec)
  closing.throwIfAborted() // what its container's removal does to a command is none of its own outcomes
  await channel.send(channels.control, outcome)
}

/**
 * Feeds what the renter sends. Never resolves while the command may still have output: only a renter that leaves
 * without saying so ends a session, by rejecting.
 */
async function takeInput(exec: Exec, channel: FrameChannel): Promise<never> {
  exec.stdin.on('error', () => undefined) // the command closed its input or ended: its exit code says so
  for await (const { channel: to, data } of channel.frames()) {
    if (to === channels.stdin) await feed(exec, data)
    else if (to === channels.control) await obey(exec, controlToMiner.decode(data))
    else throw new NodeError('BAD_MESSAGE', `channel ${to} is not for input`)
  }
  exec.stdin.end()
  return new Promise<never>(() => undefined)
}
