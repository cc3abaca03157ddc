import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { MiB, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import type { SnapshotAsked } from '../control/routes/snapshot.ts'
import { createOutput, type Output, toJson } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { leasePath } from './lease-path.ts'
import { nameLease } from './name-lease.ts'
import { openWhenStarted, outcomeOf } from './session-socket.ts'

/** What `snapshot` wrote. */
export interface SnapshotResult {
  readonly lease: string
  readonly file: string
  readonly tag: string
  readonly bytes: number
  readonly sha256: string
}

/** A connection that breaks costs all that came: the archive is made anew each time. */
const TRIES = 3
const PAUSE_MS = secondsMs(2)
const BROKEN: ReadonlySet<string> = new Set(['PEER_LOST', 'PEER_TIMEOUT', 'PEER_UNREACHABLE'])

/** Writes a lease's container to a file that `docker load` takes; the file appears when all of it is there and checked. */
export const snapshot: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal, signal } = context
    const output = createOutput(terminal, config)
    const { id, lease } = await nameLease(client, args[0]!)
    const short = id.slice(0, 12)
    const tag = config.tag ?? `cn-${short}:latest`
    const file = config.output ?? `cn-${short}.tar`
    for (let tries = 1; ; tries++) {
      try {
        const result = await fetchTo(client, { lease, id, tag, file }, context, output)
        output.value(result, () => told(result), file)
        return 0
      } catch (error) {
        const again = BROKEN.has(codeOf(error)) && !isRefusal(error) && tries < TRIES
        if (!again || signal.aborted) throw error
        output.note(`${messageOf(error)}: trying again from the beginning`)
        await sleep(PAUSE_MS, signal)
      }
    }
  })

const told = ({ file, tag, bytes, sha256 }: SnapshotResult): string =>
  `${file}: ${tag}, ${Math.ceil(bytes / MiB)} MiB, SHA-256 ${sha256}`

interface Wanted {
  readonly lease: string
  readonly id: string
  readonly tag: string
  readonly file: string
}

async function fetchTo(
  client: ControlClient,
  { lease, id, tag, file }: Wanted,
  { config, terminal, signal }: CommandContext,
  output: Output,
): Promise<SnapshotResult> {
  const { pause, maxSize } = config
  const asked: SnapshotAsked = {
    tag,
    pause,
    ...(maxSize === undefined ? {} : { maxBytes: maxSize }),
  }
  const path = withQuery(leasePath(lease, '/snapshot'), { request: toJson(asked) })
  const socket = await openWhenStarted(client, path, signal)
  const part = `${file}.part`
  const sink = createSink(part)
  let about = 0
  let whole: { bytes?: unknown; sha256?: unknown } = {}
  const progress = setInterval(() => {
    const of = about === 0 ? '' : ` of about ${Math.ceil(about / MiB)}`
    output.progress(`${Math.floor(sink.bytes() / MiB)}${of} MiB`)
  }, secondsMs(2))
  const stop = (): void => socket.terminate()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const sinkFailed = new Promise<never>((_, reject) => sink.stream.once('error', reject))
    const ended = outcomeOf(socket, { ...terminal, stdout: sink.stream }, (message) => {
      if (message['kind'] === 'started') about = Number(message['aboutBytes'] ?? 0)
      if (message['kind'] === 'whole') whole = message
    })
    socket.resume()
    await Promise.race([ended, sinkFailed])
    sink.stream.end()
    await finished(sink.stream)
    const bytes = sink.bytes()
    const sha256 = sink.sha256()
    if (whole.bytes !== bytes || whole.sha256 !== sha256) {
      throw new NodeError('PEER_LOST', 'what came is not what the miner sent')
    }
    await rename(part, file)
    return { lease: id, file, tag, bytes, sha256 }
  } catch (error) {
    sink.stream.destroy()
    await rm(part, { force: true })
    signal.throwIfAborted()
    throw error
  } finally {
    clearInterval(progress)
    signal.removeEventListener('abort', stop)
    socket.close()
  }
}

/** A file under construction, counted and hashed; for its owner alone, for a container's files may be secrets. */
function createSink(path: string) {
  const hash = createHash('sha256')
  const file = createWriteStream(path, { mode: 0o600 })
  let bytes = 0
  const stream = new Writable({
    write(chunk: Uint8Array, _, done) {
      hash.update(chunk)
      bytes += chunk.length
      file.write(chunk, done)
    },
    final: (done) => void file.end(done),
    destroy(error, done) {
      file.destroy()
      done(error)
    },
  })
  file.on('error', (cause) => {
    const message = `cannot write ${path}: ${messageOf(cause)}`
    stream.destroy(
      new NodeError('BAD_CONFIG_FILE', message, {
        cause,
        next: 'name another file: --output FILE',
      }),
    )
  })
  stream.on('error', () => undefined) // whoever writes to it is told
  let digest: string | undefined
  return { stream, bytes: () => bytes, sha256: () => (digest ??= hash.digest('hex')) }
}
