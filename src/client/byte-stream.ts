import { KiB, MiB } from '../units.ts'

/** What may wait in one stream for its reader before the sender is held back. */
const WAITING_BYTES = 256 * KiB
/** What is kept of a stream that nobody reads, while something else of its session is. */
const KEPT_BYTES = MiB

/**
 * Bytes as they come, for one reader, which sets the pace. Ends with their source; throws what broke it. Leaving the loop
 * early drops the rest.
 */
export interface ByteStream extends AsyncIterable<Uint8Array> {
  /** All of it as UTF-8. */
  text(): Promise<string>
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /** Line by line, without their ends (`\n` or `\r\n`). */
  lines(): AsyncIterable<string>
}

/** The end that fills a stream. */
export interface ByteSource {
  readonly stream: ByteStream
  /** Whether anybody began to read it. */
  readonly isRead: boolean
  /** Whether its reader has left: the rest is for nobody. */
  readonly isLeft: boolean
  /** Resolves once there is room for more. `data` belongs to the stream from now on. */
  push(data: Uint8Array): Promise<void>
  end(): void
  fail(error: unknown): void
  /** Until it is read, only its newest MiB is kept from now on, and it holds nothing back. */
  letGo(): void
}

/** @param onRead told once, when somebody begins to read */
export function byteSource(onRead: () => void = () => undefined): ByteSource {
  const chunks: Uint8Array[] = []
  let bytes = 0
  let state: 'unread' | 'read' | 'left' = 'unread'
  let isLetGo = false
  let over: { readonly error?: unknown } | undefined
  let more = (): void => undefined
  let room: (() => void)[] = []
  const isFull = (): boolean =>
    over === undefined &&
    state !== 'left' &&
    bytes > WAITING_BYTES &&
    (state === 'read' || !isLetGo)
  const tellRoom = (): void => {
    if (isFull()) return
    for (const resolve of room) resolve()
    room = []
  }
  const trim = (): void => {
    if (state !== 'unread' || !isLetGo) return
    while (bytes > KEPT_BYTES && chunks.length > 1) bytes -= chunks.shift()!.length
  }
  const finish = (how: { readonly error?: unknown }): void => {
    over ??= how
    more()
    tellRoom()
  }
  async function* read(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for (;;) {
        const chunk = chunks.shift()
        if (chunk !== undefined) {
          bytes -= chunk.length
          tellRoom()
          yield chunk
        } else if (over !== undefined) {
          if ('error' in over) throw over.error
          return
        } else {
          await new Promise<void>((resolve) => {
            more = resolve
          })
        }
      }
    } finally {
      state = 'left'
      chunks.length = 0
      bytes = 0
      tellRoom()
    }
  }
  const begin = (): AsyncGenerator<Uint8Array, void, void> => {
    if (state !== 'unread') throw new TypeError('this stream is being read already')
    state = 'read'
    onRead()
    return read()
  }
  const stream: ByteStream = {
    [Symbol.asyncIterator]: begin,
    bytes: async () => joined(begin()),
    text: async () => new TextDecoder().decode(await joined(begin())),
    lines: () => linesOf(begin()),
  }
  return {
    stream,
    get isRead() {
      return state !== 'unread'
    },
    get isLeft() {
      return state === 'left'
    },
    async push(data) {
      if (over !== undefined || state === 'left') return
      chunks.push(data)
      bytes += data.length
      trim()
      more()
      if (isFull()) await new Promise<void>((resolve) => room.push(resolve))
    },
    end: () => finish({}),
    fail: (error) => finish({ error }),
    letGo() {
      isLetGo = true
      trim()
      tellRoom()
    },
  }
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const all = await Array.fromAsync(chunks)
  const whole = new Uint8Array(all.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const chunk of all) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder()
  let rest = ''
  const withoutReturn = (line: string): string => (line.endsWith('\r') ? line.slice(0, -1) : line)
  for await (const chunk of chunks) {
    const [first, ...others] = decoder.decode(chunk, { stream: true }).split('\n')
    rest += first
    for (const part of others) {
      yield withoutReturn(rest)
      rest = part
    }
  }
  rest += decoder.decode()
  if (rest !== '') yield withoutReturn(rest)
}
