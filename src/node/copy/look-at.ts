import { NodeError } from '../../errors.ts'
import type { FilesTalk } from '../../protocols/files-talk.ts'
import type { FilesToMiner, FilesToRenter, FoundEntry } from '../../protocols/session-files.ts'

export type RentersTalk = FilesTalk<FilesToRenter, FilesToMiner>

/** More entries than this are copied in an archive, or in parts. */
export const MAX_ENTRIES = 500_000

/** What is at a path of the lease, by its path below it; the path itself is ''. Empty when there is nothing. */
export async function lookAt(
  talk: RentersTalk,
  path: string,
  deep: boolean,
): Promise<Map<string, FoundEntry>> {
  const found = new Map<string, FoundEntry>()
  await talk.tell({ kind: 'look', path, deep })
  for (;;) {
    const message = await talk.hearMessage()
    if (message.kind === 'done') return found
    if (message.kind !== 'entries') throw unexpected(message.kind)
    for (const entry of message.entries) {
      if (found.has(entry.path)) throw new NodeError('BAD_MESSAGE', 'the miner lists a path twice')
      found.set(entry.path, entry)
    }
    if (found.size > MAX_ENTRIES) {
      throw new NodeError('FAILED_FILES', `more than ${MAX_ENTRIES} entries`, {
        next: 'copy parts of it, or an archive',
      })
    }
  }
}

export const unexpected = (kind: string): NodeError =>
  new NodeError('BAD_MESSAGE', `the miner's ${kind} has no place here`)

/** @throws BAD_MESSAGE unless that is what comes next */
export async function hearDone(talk: RentersTalk): Promise<void> {
  const { kind } = await talk.hearMessage()
  if (kind !== 'done') throw unexpected(kind)
}
