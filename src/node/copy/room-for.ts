import { posix } from 'node:path'
import { MiB } from '../../units.ts'
import type { LeaseView } from '../leases/lease-view.ts'

/**
 * How many bytes the terms let a lease write at a path beyond what it has, by its miner's newest measurement; undefined
 * where no limit is agreed, and of what may lie in a volume.
 */
export function roomFor(
  { diskMiB, diskUsedMiB, volumes }: Pick<LeaseView, 'diskMiB' | 'diskUsedMiB' | 'volumes'>,
  to: string,
): number | undefined {
  const isOnDisk = volumes.length === 0 || (to.startsWith('/') && !volumes.some(holds(to)))
  return diskMiB === null || !isOnDisk ? undefined : Math.max(0, diskMiB - (diskUsedMiB ?? 0)) * MiB
}

/** Whether one lies in the other. */
const holds =
  (to: string) =>
  ({ path }: { readonly path: string }): boolean => {
    const [one, other] = [to, path].map((each) => `${posix.normalize(each)}/`.replace(/\/+$/, '/'))
    return one!.startsWith(other!) || other!.startsWith(one!)
  }
