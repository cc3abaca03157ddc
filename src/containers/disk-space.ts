import { statfs } from 'node:fs/promises'
import { messageOf, NodeError } from '../errors.ts'
import { GiB } from '../units.ts'

/** Below this much free space no lease starts and no image is pulled: a full disk stops the engine, and with it every lease. */
export const FREE_FLOOR_BYTES = 2 * GiB
/** The same for files: a disk can be full of empty ones. */
const FREE_FLOOR_FILES = 50_000

/** What is free on a disk; `files` is undefined where they are not counted. */
export interface FreeSpace {
  readonly bytes: number
  readonly files: number | undefined
}

/** What is free where the engine keeps images and containers; undefined where that is on another machine. */
export async function freeSpace(folder: string): Promise<FreeSpace | undefined> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder)
    // Some file systems (btrfs) count no files and say 0 of 0.
    return { bytes: bavail * bsize, files: files === 0 ? undefined : ffree }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new NodeError('ENGINE_FAILED', `cannot look at ${folder}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** Why nothing more should be written there; undefined when something may. */
export function spaceFault(free: FreeSpace | undefined): NodeError | undefined {
  if (free === undefined) return undefined
  const short =
    free.bytes < FREE_FLOOR_BYTES
      ? `${(free.bytes / GiB).toFixed(1)} GiB are left`
      : (free.files ?? Number.POSITIVE_INFINITY) < FREE_FLOOR_FILES
        ? `${free.files} files are left`
        : undefined
  if (short === undefined) return undefined
  return new NodeError('ENGINE_DISK', `the disk of the container engine is nearly full: ${short}`, {
    reason: 'no-space',
    next: 'free some: docker system df, docker image prune --all',
  })
}
