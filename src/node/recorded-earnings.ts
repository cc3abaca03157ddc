import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { EarningsAnswer } from '../api/network.ts'
import type { EpochEarning } from '../chain/chain-earnings.ts'
import { codeOf } from '../errors.ts'
import type { Config } from './config.ts'
import { dataFolder } from './data-folder.ts'
import { earningFromJson, openEarningsBook } from './earnings-book.ts'
import { openNominatorsBook, type SharedEpoch, sharedFromJson } from './nominators-book.ts'
import { askMiner } from './own-devices.ts'
import { openStore, type Store } from './store.ts'

/** What is wanted of a record; epochs are both included. */
export interface RecordRange {
  readonly hotkey: string
  readonly from: number
  readonly to: number
}

/**
 * What the node of this data folder recorded: asked of it while it runs, read from its store when it does not.
 * Undefined where there is no such store, or another process holds it and answers nothing.
 */
export const recordedEarnings = (
  config: Pick<Config, 'dataDir'>,
  range: RecordRange,
  signal: AbortSignal,
): Promise<EpochEarning[] | undefined> =>
  fromRecord(config, { path: '/v1/earnings', range, signal }, earningFromJson, (store) =>
    openEarningsBook(store).between(range.hotkey, range.from, range.to),
  )

/** The same of what nominators of the hotkey earned. */
export const recordedShares = (
  config: Pick<Config, 'dataDir'>,
  range: RecordRange,
  signal: AbortSignal,
): Promise<SharedEpoch[] | undefined> =>
  fromRecord(config, { path: '/v1/earnings/nominators', range, signal }, sharedFromJson, (store) =>
    openNominatorsBook(store).between(range.hotkey, range.from, range.to),
  )

interface Asked {
  readonly path: string
  readonly range: RecordRange
  readonly signal: AbortSignal
}

async function fromRecord<T>(
  config: Pick<Config, 'dataDir'>,
  { path, range: { hotkey, from, to }, signal }: Asked,
  decode: (text: string) => T,
  read: (store: Store) => Promise<T[]>,
): Promise<T[] | undefined> {
  const asked = `${path}?hotkey=${hotkey}&from=${from}&to=${to}`
  const answer = await askMiner<EarningsAnswer>(config, asked, signal)
  if (answer !== undefined) return answer.items.map(decode)
  const { storeFolder } = dataFolder(config.dataDir)
  if (!(await exists(join(storeFolder, 'CURRENT')))) return undefined
  try {
    await using store = await openStore(storeFolder)
    return await read(store)
  } catch (error) {
    if (codeOf(error) === 'BAD_CONFIG_LOCKED') return undefined
    throw error
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
