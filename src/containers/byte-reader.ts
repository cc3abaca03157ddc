/** Bytes of a stream as its reader wants them, nothing read ahead beyond one chunk. */
export interface ByteReader {
  /** So many bytes in one piece; undefined when the stream ends before. Meant for a few KiB. */
  exactly(size: number): Promise<Buffer | undefined>
  /** What there is, at most so many; undefined at the end. */
  some(most: number): Promise<Buffer | undefined>
}

export function createByteReader(stream: AsyncIterable<Buffer>): ByteReader {
  const chunks = stream[Symbol.asyncIterator]()
  let held: Buffer = Buffer.alloc(0)
  const some = async (most: number): Promise<Buffer | undefined> => {
    while (held.length === 0) {
      const next = await chunks.next()
      if (next.done === true) return undefined
      held = next.value
    }
    const taken = held.subarray(0, most)
    held = held.subarray(taken.length)
    return taken
  }
  return {
    some,
    async exactly(size) {
      const parts: Buffer[] = []
      for (let left = size; left > 0; ) {
        const part = await some(left)
        if (part === undefined) return undefined
        parts.push(part)
        left -= part.length
      }
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    },
  }
}

/** The longest line that anybody here asks for. */
const LINE_BYTES = 20

/** A short line without its end; undefined when the stream ends before, or the line is no short one. */
export async function readLine(reader: ByteReader): Promise<string | undefined> {
  for (let line = ''; line.length <= LINE_BYTES; ) {
    const next = (await reader.exactly(1))?.toString('latin1')
    if (next === undefined) return undefined
    if (next === '\n') return line
    line += next
  }
  return undefined
}
