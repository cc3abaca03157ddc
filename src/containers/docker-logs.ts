import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { askDocker } from './docker-client.ts'
import type { LogOptions, LogRecord } from './engine.ts'

const HEADER_BYTES = 8
/** The engine cuts lines at 16 KiB; far more is nothing it writes. */
const MAX_RECORD_BYTES = MiB

/** What a container's main process prints, each piece as the engine stored it; ends when `signal` aborts. */
export async function readLogsOf(
  container: Docker.Container,
  { follow = false, tail, since, signal }: LogOptions,
): Promise<AsyncIterable<LogRecord>> {
  const wanted = {
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since: unixSeconds(since) }),
  }
  const source = await askDocker('read the logs', async (abortSignal) =>
    follow
      ? ((await container.logs({
          ...wanted,
          follow: true,
          abortSignal: signal ?? abortSignal,
        })) as Readable)
      : Readable.from([await container.logs({ ...wanted, follow: false, abortSignal })]),
  )
  return records(source, signal)
}

/** A time as the engine takes it: seconds with nine places. */
const unixSeconds = (at: string): string => {
  const [, places = ''] = /\.(\d+)Z$/.exec(at) ?? []
  return `${Math.floor(Date.parse(at) / 1000)}.${places.padEnd(9, '0')}`
}

async function* records(source: Readable, signal: AbortSignal | undefined) {
  const stop = (): void => void source.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  let held: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      for (
        let length = lengthOf(held);
        held.length >= HEADER_BYTES + length;
        length = lengthOf(held)
      ) {
        yield recordOf(held[0]!, held.subarray(HEADER_BYTES, HEADER_BYTES + length))
        held = held.subarray(HEADER_BYTES + length)
      }
    }
  } catch (error) {
    if (signal?.aborted !== true) {
      throw new NodeError('ENGINE_UNKNOWN', 'Docker cut the logs short', { cause: error })
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    source.destroy()
  }
}

/** Of the frame that begins here; Infinity while its header is not whole. */
function lengthOf(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES) return Number.POSITIVE_INFINITY
  const length = bytes.readUInt32BE(4)
  if (length <= MAX_RECORD_BYTES) return length
  throw new NodeError('ENGINE_FAILED', `Docker sent a log record of ${length} bytes`)
}

function recordOf(stream: number, body: Buffer): LogRecord {
  const space = body.indexOf(' ')
  return {
    stream: stream === 2 ? 'stderr' : 'stdout',
    at: body.toString('latin1', 0, space),
    data: body.subarray(space + 1),
  }
}
