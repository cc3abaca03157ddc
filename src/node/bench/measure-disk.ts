import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB, secondsMs } from '../../units.ts'

/** How fast the data folder's disk takes and gives large files. */
export interface DiskFigures {
  readonly writeMBps: number
  readonly readMBps: number
  /** The file system gives nothing past its cache, so that reads may say more of memory than of the disk. */
  readonly isReadCached: boolean
  /** How much was written, and is gone again. */
  readonly bytes: number
}

const CHUNK_BYTES = 4 * MiB
/** Enough for a disk to show its pace; less where space or time is short. */
const MAX_BYTES = 512 * MiB
const FREE_SHARE = 0.05
const MAX_MS = secondsMs(2)

/**
 * Writes a file in the data folder until it is on the disk, reads it past the cache where the file system can, and
 * removes it; null where there is no room. System errors are thrown.
 */
export async function measureDisk(dataDir: string): Promise<DiskFigures | null> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = await statfs(dataDir)
  const most = Math.min(MAX_BYTES, bavail * bsize * FREE_SHARE)
  if (most < CHUNK_BYTES) return null
  const path = join(dataDir, `bench-${process.pid}.tmp`)
  const chunk = alignedChunk()
  try {
    const written = await writeFile(path, chunk, most)
    const { file, isCached } = await openPastCache(path, chunk)
    const read = await timed(file, () => readFile(file, chunk, written.bytes))
    return {
      writeMBps: written.bytes / written.ms / 1000,
      readMBps: written.bytes / read / 1000,
      isReadCached: isCached,
      bytes: written.bytes,
    }
  } finally {
    await rm(path, { force: true })
  }
}

/** Whole pages of memory, which reading past the cache demands; WebAssembly's memory begins at one. */
function alignedChunk(): Uint8Array {
  const pages = CHUNK_BYTES / (64 * 1024)
  return new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer).fill(7)
}

async function writeFile(
  path: string,
  chunk: Uint8Array,
  most: number,
): Promise<{ bytes: number; ms: number }> {
  const file = await open(path, 'wx', 0o600)
  let bytes = 0
  const ms = await timed(file, async () => {
    const endMs = performance.now() + MAX_MS
    while (bytes + CHUNK_BYTES <= most && (bytes === 0 || performance.now() < endMs)) {
      await file.write(chunk)
      bytes += CHUNK_BYTES
    }
    await file.sync()
  })
  return { bytes, ms }
}

/** Opened so that reads come from the disk; from wherever the system likes, where that is not possible. */
async function openPastCache(
  path: string,
  chunk: Uint8Array,
): Promise<{ file: FileHandle; isCached: boolean }> {
  const direct = constants.O_DIRECT as number | undefined
  if (direct !== undefined) {
    let file: FileHandle | undefined
    try {
      file = await open(path, constants.O_RDONLY | direct)
      await file.read(chunk, 0, CHUNK_BYTES, 0)
      return { file, isCached: false }
    } catch {
      await file?.close() // a file system without it says so at the first read, or when opened
    }
  }
  return { file: await open(path, 'r'), isCached: true }
}

async function readFile(file: FileHandle, chunk: Uint8Array, bytes: number): Promise<void> {
  for (let at = 0; at < bytes; at += CHUNK_BYTES) await file.read(chunk, 0, CHUNK_BYTES, at)
}

/** How long work on a file takes, ms; the file is closed after it. */
async function timed(file: FileHandle, work: () => Promise<unknown>): Promise<number> {
  try {
    const startedMs = performance.now()
    await work()
    return performance.now() - startedMs
  } finally {
    await file.close()
  }
}
