import { NodeError } from '../errors.ts'

export type OutputStream = 'stdout' | 'stderr'

/** A piece of what a command printed. */
export interface Frame {
  readonly stream: OutputStream
  readonly data: Buffer
}

export interface FrameParser {
  /** Hands on what these bytes complete, in order, without copying. */
  push(chunk: Buffer): Frame[]
  /** True between frames: a stream that ends elsewhere was cut. */
  readonly idle: boolean
}

const HEADER_BYTES = 8

/**
 * Splits the engine's multiplexed output: frames of an 8-byte header (stream number, 3 zero bytes, u32 length) and
 * payload. Throws ENGINE_FAILED on a stream number it cannot know.
 */
export function createFrameParser(): FrameParser {
  let header = Buffer.alloc(0)
  let missingBytes = 0
  let stream: OutputStream = 'stdout'

  const readHeader = (chunk: Buffer): Buffer => {
    const take = HEADER_BYTES - header.length
    header = Buffer.concat([header, chunk.subarray(0, take)])
    if (header.length === HEADER_BYTES) {
      stream = streamName(header[0]!)
      missingBytes = header.readUInt32BE(4)
      header = Buffer.alloc(0)
    }
    return chunk.subarray(take)
  }

  return {
    push(chunk) {
      const found: { stream: OutputStream; data: Buffer }[] = []
      let rest = chunk
      while (rest.length > 0) {
        if (missingBytes === 0) {
          rest = readHeader(rest)
          continue
        }
        const data = rest.subarray(0, missingBytes)
        missingBytes -= data.length
        rest = rest.subarray(data.length)
        found.push({ stream, data })
      }
      return found
    },
    get idle() {
      return missingBytes === 0 && header.length === 0
    },
  }
}

function streamName(number: number): OutputStream {
  if (number === 2) return 'stderr'
  if (number === 0 || number === 1) return 'stdout'
  throw new NodeError('ENGINE_FAILED', `Docker sent output of an unknown stream ${number}`)
}
