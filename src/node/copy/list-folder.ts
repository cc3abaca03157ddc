import { NodeError } from '../../errors.ts'
import type { FoundEntry } from '../../protocols/session-files.ts'
import { inBatches, noSuch } from './copy-out.ts'
import { hearDone, type RentersTalk, unexpected } from './look-at.ts'
import { isPart } from './part-name.ts'

/** More of a folder is not shown. */
export const MAX_SHOWN = 10_000
/** Beyond so many it is not told where links lead. */
const MAX_TARGETS = 1000

/** What lies in a folder of a lease. */
export interface ListedFolder {
  /** Where it really is: absolute, without links. */
  readonly path: string
  /** By name; half copied files are none. */
  readonly entries: readonly FoundEntry[]
  /** How many more there are. */
  readonly hidden: number
  /** Where links lead, by name. */
  readonly targets: ReadonlyMap<string, string>
}

/**
 * Looks into one folder of a lease.
 * @param withTargets whether it shall tell where links lead; FAILED_FILES when one of them goes meanwhile
 * @throws NOTHING_MATCHED when it is not there, REFUSED_NO_FOLDER for a file, PEER_UNSUPPORTED from an older miner
 */
export async function listFolder(
  talk: RentersTalk,
  path: string,
  { withTargets = true }: { readonly withTargets?: boolean } = {},
): Promise<ListedFolder> {
  const { root, at, entries, hidden } = await lookInto(talk, path)
  if (root === undefined) throw noSuch(path)
  if (root.type !== 'folder') {
    throw new NodeError('REFUSED_NO_FOLDER', `${path} is no folder`, {
      next: 'ask for its content',
    })
  }
  if (at === undefined) {
    throw new NodeError('PEER_UNSUPPORTED', "the miner's version lists no folders", {
      next: 'look there: compute-node exec LEASE -- ls -la',
    })
  }
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const targets = withTargets ? await targetsOf(talk, path, sorted) : new Map<string, string>()
  return { path: at, entries: sorted, hidden, targets }
}

async function lookInto(talk: RentersTalk, path: string) {
  const entries: FoundEntry[] = []
  const seen = new Set<string>()
  let root: FoundEntry | undefined
  let hidden = 0
  await talk.tell({ kind: 'look', path, deep: false, near: true })
  for (;;) {
    const message = await talk.hearMessage()
    if (message.kind === 'done') return { root, at: message.at, entries, hidden }
    if (message.kind !== 'entries') throw unexpected(message.kind)
    for (const entry of message.entries) {
      if (entry.path === '') root = entry
      else if (entry.path.includes('/') || seen.has(entry.path)) throw unexpected('listing')
      else if (isPart(entry.path)) continue
      else if (entries.length === MAX_SHOWN) hidden += 1
      else entries.push(entry)
      if (seen.size < MAX_SHOWN) seen.add(entry.path)
    }
  }
}

async function targetsOf(
  talk: RentersTalk,
  root: string,
  entries: readonly FoundEntry[],
): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>()
  const links = entries.filter(({ type }) => type === 'link').slice(0, MAX_TARGETS)
  for (const batch of inBatches(links)) {
    await talk.tell({ kind: 'names', root, paths: batch.map(({ path }) => path) })
    for (const { path } of batch) {
      const message = await talk.hearMessage()
      if (message.kind !== 'link') throw changed(path)
      targets.set(path, message.target)
    }
    await hearDone(talk)
  }
  return targets
}

const changed = (name: string): NodeError =>
  new NodeError('FAILED_FILES', `${name} changed while it was looked at`, { next: 'look again' })
