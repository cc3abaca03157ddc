import { type Duplex, Readable } from 'node:stream'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { createFrameParser, type Frame } from './docker-frames.ts'

export interface SpoolOptions {
  /** A terminal's output is not framed: all of it is stdout. */
  readonly tty: boolean
  /** True once the command has ended; asked only while its reader stalls. */
  readonly hasEnded: () => Promise<boolean>
  /**
   * Looks at the first output: a promise where it may be the engine's words and none of the command's, of what is said
   * instead, on the command's errors. Nothing goes on before it resolves; undefined: it is the command's.
   */
  readonly insteadOf?: (output: string) => Promise<string | undefined> | undefined
  /** What a stalled reader may leave in memory, both outputs together. */
  readonly spoolBytes?: number
}

export interface SpooledOutput {
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves when the engine sent everything, read or not. */
  readonly received: Promise<void>
}

/** The engine drops what it still holds 2 s after the command ended (notes/containers.md §3, Exec 5). */
const ASK_EVERY_MS = 250
/** What engines say in a command's place is short. */
const LOOKED_AT_BYTES = 4096

/**
 * Splits an attached socket into its outputs. A stalled reader first fills the spool, then holds the command back.
 * When the command ends meanwhile, the rest is taken in at once, whatever the spool holds: it is at most what the
 * engine had buffered (about 1 MiB), and it would be lost otherwise.
 */
export function spoolOutput(socket: Duplex, options: SpoolOptions): SpooledOutput {
  const { tty, hasEnded, insteadOf, spoolBytes = 8 * MiB } = options
  const parser = createFrameParser()
  const received = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  let takeAll = false

  const resumeWhenRoom = (): void => {
    if (timer === undefined || (!takeAll && held() >= spoolBytes)) return
    clearInterval(timer)
    timer = undefined
    socket.resume()
  }
  const output = (): Readable =>
    new Readable({
      highWaterMark: spoolBytes / 2, // `read` is called again below this
      read: resumeWhenRoom,
      destroy(error, done) {
        queueMicrotask(resumeWhenRoom)
        done(error)
      },
    })
  const stdout = output()
  const stderr = output()
  const held = (): number =>
    [stdout, stderr].reduce((sum, s) => sum + (s.destroyed ? 0 : s.readableLength), 0)

  const holdBack = (): void => {
    socket.pause()
    timer = setInterval(() => {
      hasEnded().then(
        (ended) => {
          takeAll ||= ended
          resumeWhenRoom()
        },
        () => undefined, // no answer says nothing; the next turn asks again
      )
    }, ASK_EVERY_MS)
  }
  const give = ({ stream, data }: Frame): void =>
    void (stream === 'stderr' ? stderr : stdout).push(data)
  let isFirst = true
  let judged: Promise<void> | undefined
  const take = (chunk: Buffer): void => {
    const frames: Frame[] = tty ? [{ stream: 'stdout', data: chunk }] : parser.push(chunk)
    const first = isFirst ? frames[0]?.data.toString('utf8', 0, LOOKED_AT_BYTES) : undefined
    const words = first === undefined ? undefined : insteadOf?.(first)
    isFirst &&= first === undefined
    if (words === undefined) frames.forEach(give)
    else judge(words, frames)
    if (!takeAll && timer === undefined && held() >= spoolBytes) holdBack()
  }
  const judge = (words: Promise<string | undefined>, frames: readonly Frame[]): void => {
    socket.pause()
    judged = words
      .then((said) => {
        if (said === undefined) frames.forEach(give)
        else give({ stream: tty ? 'stdout' : 'stderr', data: Buffer.from(said) })
      })
      .finally(() => socket.resume())
  }
  /** A socket ends even while it is paused. */
  const finishOnceJudged = (error?: Error): void => {
    if (judged === undefined) finish(error)
    else void judged.then(() => finish(error))
  }
  const finish = (error?: Error): void => {
    clearInterval(timer)
    timer = undefined
    if (error === undefined) {
      stdout.push(null)
      stderr.push(null)
    } else {
      for (const stream of [stdout, stderr]) stream.destroy(error)
    }
    received.resolve()
  }

  const cut = (cause?: Error): NodeError =>
    new NodeError('ENGINE_UNKNOWN', 'Docker cut the output short', { cause, next: 'run it again' })
  socket.on('data', (chunk: Buffer) => {
    try {
      take(chunk)
    } catch (error) {
      socket.destroy(error as Error)
    }
  })
  socket.once('end', () => finishOnceJudged(parser.idle ? undefined : cut()))
  socket.once('error', (error) => finishOnceJudged(error instanceof NodeError ? error : cut(error)))
  socket.once('close', () => finishOnceJudged(socket.readableEnded ? undefined : cut()))
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined) // told to its reader, if there is one
  return { stdout, stderr, received: received.promise }
}
