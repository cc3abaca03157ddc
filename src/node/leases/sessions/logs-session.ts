import { channels, controlToRenter, type SessionOf } from '../../../protocols/session.ts'
import { sendAll } from './send-output.ts'
import type { SessionRun } from './session-run.ts'

/** Sends the newest that the container's main process printed. */
export async function runLogs({
  container,
  channel,
}: SessionRun<SessionOf<'logs'>>): Promise<void> {
  const { stdout, stderr } = await container.logs()
  await sendAll([stdout], channels.stdout, channel)
  await sendAll([stderr], channels.stderr, channel)
  await channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 }))
}
