import { KiB } from '../../units.ts'

/** What is read of a file at once. */
export const PIECE_BYTES = 256 * KiB

/**
 * Memory of pieces that are done with, for the next ones. Of a large file as many as it takes would be thrown away, and
 * V8 looks through the whole heap once in 64 MiB of them.
 */
export interface SparePieces {
  /** PIECE_BYTES that nobody uses. */
  take(): Buffer
  /** Gives back what was taken, by any part of it; whoever does must be the last to use it. */
  put(piece: Uint8Array): void
}

export function sparePieces(): SparePieces {
  const free: ArrayBufferLike[] = []
  return {
    take: () => Buffer.from(free.pop() ?? new ArrayBuffer(PIECE_BYTES)),
    put: ({ buffer }) => void free.push(buffer),
  }
}
