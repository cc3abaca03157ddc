import type { LogRecord } from '../../../containers/engine.ts'
import type { FrameChannel } from '../../../protocols/frames.ts'
import { channels, controlToRenter, type SessionOf } from '../../../protocols/session.ts'
import { logFrames } from '../../../protocols/session-logs.ts'
import { secondsMs } from '../../../units.ts'
import type { SessionRun } from './session-run.ts'
import { untilLeft } from './until-left.ts'

/** The end of a lease is told by its container's last lines: they get this long to come. */
const LAST_LINES_MS = secondsMs(2)

/** Sends what the container's main process printed and, following, prints, until it has ended or the renter leaves. */
export async function runLogs(run: SessionRun<SessionOf<'logs'>>): Promise<void> {
  const { container, request, channel, closing, left } = run
  const reading = new AbortController()
  const stop = (): void => reading.abort()
  let timer: NodeJS.Timeout | undefined
  const stopSoon = (): void => {
    timer = setTimeout(stop, LAST_LINES_MS)
  }
  left.addEventListener('abort', stop, { once: true })
  closing.addEventListener('abort', stopSoon, { once: true })
  try {
    const { follow = false, tail, since, timestamps = false } = request
    const records = await container.readLogs({
      ...{ follow, timestamps, signal: reading.signal },
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { since }),
    })
    await Promise.race([sendRecords(channel, records), untilLeft(channel)])
  } finally {
    stop()
    clearTimeout(timer)
    left.removeEventListener('abort', stop)
    closing.removeEventListener('abort', stopSoon)
  }
}

async function sendRecords(
  channel: FrameChannel,
  records: AsyncIterable<LogRecord>,
): Promise<void> {
  for await (const { stream, at, data } of records) {
    const to = stream === 'stderr' ? channels.stderr : channels.stdout
    for (const frame of logFrames(at, data)) await channel.send(to, frame)
  }
  await channel.send(channels.control, controlToRenter.encode({ kind: 'exit', exitCode: 0 }))
}
