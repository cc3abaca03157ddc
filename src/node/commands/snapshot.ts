import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SnapshotAsked } from '../../api/sessions.ts'
import { sleep } from '../../clock.ts'
import { codeOf, messageOf, NodeError } from '../../errors.ts'
import { isRefusal } from '../../protocols/refusal.ts'
import { MiB, secondsMs } from '../../units.ts'
import { type ControlClient, withQuery } from '../control/client.ts'
import { createOutput, type Output, toJson } from '../output.ts'
import { withNode } from '../with-node.ts'
import type { CommandContext, Run } from './command.ts'
import { leasePath } from './lease-path.ts'
import { nameLease } from './name-lease.ts'
import { openWhenStarted, outcomeOf } from './session-socket.ts'
import { type SnapshotFile, snapshotFile } from './snapshot-file.ts'

/** What `snapshot` wrote. */
export interface SnapshotResult {
  readonly lease: string
  readonly file: string
  readonly tag: string
  readonly bytes: number
  readonly sha256: string
}

/** How long the miner keeps the image for who comes back. */
const RESUME_MS = secondsMs(60)
const PAUSE_MS = secondsMs(2)
const BROKEN: ReadonlySet<string> = new Set(['PEER_LOST', 'PEER_TIMEOUT', 'PEER_UNREACHABLE'])

/** Writes a lease's container to a file that `docker load` takes; the file appears when all of it is there and checked. */
export const snapshot: Run = (context) =>
  withNode(context, async (client) => {
    const { args, config, terminal } = context
    const output = createOutput(terminal, config)
    const { id, lease } = await nameLease(client, args[0]!)
    const short = id.slice(0, 12)
    const tag = config.tag ?? `cn-${short}:latest`
    const file = config.output ?? resolve(`cn-${short}.tar`)
    const part = `${file}.part`
    const sink = await snapshotFile(part)
    try {
      await fetchAll(client, { lease, tag }, sink, context, output)
      await sink.close()
      await rename(part, file)
    } catch (error) {
      await sink.close().catch(() => undefined) // what is wrong with it was said
      await rm(part, { force: true })
      throw error
    }
    const result = { lease: id, file, tag, bytes: sink.bytes(), sha256: sink.sha256() }
    output.value(result, () => told(result), file)
    return 0
  })

const told = ({ file, tag, bytes, sha256 }: SnapshotResult): string =>
  `${file}: ${tag}, ${Math.ceil(bytes / MiB)} MiB, SHA-256 ${sha256}`

interface Wanted {
  readonly lease: string
  readonly tag: string
}

/** Goes on where a connection broke, as long as the miner keeps the image; the time counts anew when something came. */
async function fetchAll(
  client: ControlClient,
  wanted: Wanted,
  sink: SnapshotFile,
  context: CommandContext,
  output: Output,
): Promise<void> {
  const { signal } = context
  let brokenSinceMs: number | undefined
  for (let isFirst = true; ; isFirst = false) {
    const before = sink.bytes()
    try {
      return await fetchOn(client, wanted, { sink, isFirst }, context, output)
    } catch (error) {
      signal.throwIfAborted()
      if (!BROKEN.has(codeOf(error)) || isRefusal(error)) throw error
      if (sink.bytes() > before) brokenSinceMs = undefined
      brokenSinceMs ??= performance.now()
      if (performance.now() - brokenSinceMs > RESUME_MS) throw error
      output.note(`${messageOf(error)}: going on behind ${Math.floor(sink.bytes() / MiB)} MiB`)
      await sleep(PAUSE_MS, signal)
    }
  }
}

async function fetchOn(
  client: ControlClient,
  { lease, tag }: Wanted,
  { sink, isFirst }: { readonly sink: SnapshotFile; readonly isFirst: boolean },
  { config, terminal, signal }: CommandContext,
  output: Output,
): Promise<void> {
  const { pause, maxSize } = config
  await sink.settled()
  const asked: SnapshotAsked = {
    tag,
    pause,
    ...(maxSize === undefined ? {} : { maxBytes: maxSize }),
    ...(isFirst ? {} : { have: { bytes: sink.bytes(), sha256: sink.sha256() } }),
  }
  const path = withQuery(leasePath(lease, '/snapshot'), { request: toJson(asked) })
  const socket = await openWhenStarted(client, path, signal)
  let about = 0
  let whole: { bytes?: unknown; sha256?: unknown } = {}
  const progress = setInterval(() => {
    const of = about === 0 ? '' : ` of about ${Math.ceil(about / MiB)}`
    output.progress(`${Math.floor(sink.bytes() / MiB)}${of} MiB`)
  }, secondsMs(2))
  const stop = (): void => socket.terminate()
  signal.addEventListener('abort', stop, { once: true })
  const { failed } = sink
  try {
    const ended = outcomeOf(socket, { ...terminal, stdout: sink.stream }, (message) => {
      if (message['kind'] === 'whole') {
        whole = message
        socket.send(toJson({ kind: 'received', received: sink.bytes() })) // the miner keeps the image until then
      }
      if (message['kind'] !== 'started' || message['aboutBytes'] === undefined) return
      about = Number(message['aboutBytes'])
      // The miner has another image by now, or could not go on with it.
      if (message['fromBytes'] !== sink.bytes()) sink.restart()
    })
    socket.resume()
    await Promise.race([ended, failed])
    await sink.settled()
    if (whole.bytes === sink.bytes() && whole.sha256 === sink.sha256()) return
    sink.restart()
    throw new NodeError('PEER_LOST', 'what came is not what the miner sent')
  } finally {
    clearInterval(progress)
    signal.removeEventListener('abort', stop)
    socket.close()
  }
}
