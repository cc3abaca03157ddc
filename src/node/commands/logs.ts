import type { LogsAsked } from '../../api/sessions.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { createOutput, toJson } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { leasePath } from './lease-path.ts'
import { openWhenStarted, outcomeOf } from './session-socket.ts'

/** Prints what a lease's main process printed, its stderr on stderr; Ctrl-C ends following. */
export const logs: Run = (context) =>
  withNode(context, (client) => printLogs(client, context).catch(orEnd(context)))

async function printLogs(client: ControlClient, context: CommandContext): Promise<number> {
  const { args, config, terminal, signal } = context
  const { follow, tail, since, timestamps } = config
  const asked: LogsAsked = {
    follow,
    timestamps,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since: logTimeOf(since, Date.now()) }),
  }
  const path = withQuery(leasePath(args[0]!, '/logs'), { request: toJson(asked) })
  const socket = await openWhenStarted(client, path, signal)
  const output = createOutput(terminal, config)
  const stop = (): void => socket.terminate()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const ended = outcomeOf(socket, terminal, ({ kind }) => {
      if (kind === 'lost') output.note('[connection lost; trying for 60 s to resume]')
      else if (kind === 'resumed') output.note('[resumed]')
    })
    socket.resume()
    return await ended
  } finally {
    signal.removeEventListener('abort', stop)
    socket.close()
  }
}

/** Ctrl-C is how a person ends following: no failure. */
const orEnd =
  ({ config, signal }: CommandContext) =>
  (error: unknown): number => {
    if (config.follow && signal.aborted) return 0
    throw error
  }

/** What `--since` says, as the protocol has it: UTC with nine places. A length of time counts back from now. */
export const logTimeOf = (since: number | string, nowMs: number): string => {
  if (typeof since === 'number') {
    return new Date(nowMs - since).toISOString().replace('Z', '000000Z')
  }
  const [, places = ''] = /\.(\d{1,9})/.exec(since) ?? []
  const seconds = new Date(Math.floor(Date.parse(since) / 1000) * 1000).toISOString().slice(0, 19)
  return `${seconds}.${places.padEnd(9, '0')}Z`
}
