import { KiB } from '../../units.ts'

const PIECE_BYTES = 512 * KiB

/** Pieces put together, one written while the next fills. */
export interface Gathered {
  /** Takes a copy. Rejects with why an earlier write failed. */
  add(data: Uint8Array): Promise<void>
  /** Writes what is left; resolves when all is written. */
  flush(): Promise<void>
}

/** Makes few large writes of many small ones: each costs a turn of a busy machine. `write` owns what it gets. */
export function gather(write: (data: Buffer) => Promise<void>): Gathered {
  let buffer: Buffer | undefined
  let used = 0
  let writing: Promise<void> = Promise.resolve()
  const send = async (full: Buffer): Promise<void> => {
    buffer = undefined
    used = 0
    await writing
    writing = write(full)
    writing.catch(() => undefined) // whoever adds next is told
  }
  return {
    async add(data) {
      for (let at = 0; at < data.length; ) {
        buffer ??= Buffer.allocUnsafeSlow(PIECE_BYTES)
        const taken = data.subarray(at, at + PIECE_BYTES - used)
        buffer.set(taken, used)
        used += taken.length
        at += taken.length
        if (used === PIECE_BYTES) await send(buffer)
      }
    },
    async flush() {
      if (buffer !== undefined) await send(buffer.subarray(0, used))
      await writing
    },
  }
}
