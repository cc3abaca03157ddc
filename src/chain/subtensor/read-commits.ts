import { type At, maybe, numberOf, subtensor } from './entries.ts'

/** Spec 218: (hash, block, first and last block of its reveal); spec 424: (hash, epoch, block, 0). */
type Commit = readonly [hash: string, a: number, b: number, c: number]

/** Per hotkey, the block of the oldest commit that may still be revealed when epoch number `epoch` begins. */
export async function readCommits(
  at: At,
  netuid: number,
  hotkeys: readonly string[],
  epoch: number,
  block: number,
): Promise<(number | undefined)[]> {
  const lists = await subtensor(at, 'weightCommits').multi(
    hotkeys.map((hotkey) => [netuid, hotkey]),
  )
  const commits = lists.map((list) => (list.toJSON() as unknown as Commit[] | null) ?? [])
  if (maybe(at, 'subnetEpochIndex') === undefined)
    return commits.map((list) => list.find(([, , , last]) => block <= last)?.[1])
  const period = numberOf(await subtensor(at, 'revealPeriodEpochs')(netuid))
  const timelocked = await readTimelocked(at, netuid, epoch - period)
  return commits.map((list, uid) => {
    const hashed = list.find(([, committed]) => epoch <= committed + period)?.[2]
    const sealed = timelocked.get(hotkeys[uid]!)
    if (hashed === undefined || sealed === undefined) return hashed ?? sealed
    return Math.min(hashed, sealed)
  })
}

/** By hotkey, the block of the oldest timelocked commit since an epoch. */
async function readTimelocked(at: At, netuid: number, since: number): Promise<Map<string, number>> {
  const found = new Map<string, number>()
  const entries = await maybe(at, 'timelockedWeightCommits')?.entries(netuid)
  for (const [key, value] of entries ?? []) {
    if (numberOf(key.args[1]!) < since) continue
    for (const [who, block] of value.toJSON() as unknown as [string, number][])
      found.set(who, Math.min(block, found.get(who) ?? Number.POSITIVE_INFINITY))
  }
  return found
}
