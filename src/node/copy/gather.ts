import { KiB } from '../../units.ts'

/** What is written at once. */
const WRITE_BYTES = 512 * KiB
/** Smaller pieces are put together: each of them holds on to all that it came with. */
const SMALL_BYTES = 4 * KiB
const TOGETHER_BYTES = 64 * KiB

/** Pieces written together, some while the next are gathered. */
export interface Gathered {
  /** Keeps `data`, which may not be written to any more. Rejects with why an earlier write failed. */
  add(data: Uint8Array): Promise<void>
  /** Writes what is left; resolves when all is written. */
  flush(): Promise<void>
}

/** Makes few large writes of many small ones: each costs a turn of a busy machine. Nothing large is copied. */
export function gather(write: (pieces: Uint8Array[]) => Promise<void>): Gathered {
  let pieces: Uint8Array[] = []
  let bytes = 0
  let small: Buffer | undefined
  let smallBytes = 0
  let writing: Promise<void> = Promise.resolve()
  const closeSmall = (): void => {
    if (small !== undefined) pieces.push(small.subarray(0, smallBytes))
    small = undefined
    smallBytes = 0
  }
  const send = async (): Promise<void> => {
    closeSmall()
    const full = pieces
    pieces = []
    bytes = 0
    await writing
    writing = write(full)
    writing.catch(() => undefined) // whoever adds next is told
  }
  return {
    async add(data) {
      if (data.length >= SMALL_BYTES) {
        closeSmall()
        pieces.push(data)
      } else {
        if (smallBytes + data.length > TOGETHER_BYTES) closeSmall()
        small ??= Buffer.allocUnsafeSlow(TOGETHER_BYTES)
        small.set(data, smallBytes)
        smallBytes += data.length
      }
      bytes += data.length
      if (bytes >= WRITE_BYTES) await send()
    },
    async flush() {
      if (bytes > 0) await send()
      await writing
    },
  }
}
