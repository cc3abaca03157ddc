import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { EpochEarning } from '../chain/chain.ts'
import { codeOf } from '../errors.ts'
import type { Config } from './config.ts'
import type { EarningsAnswer } from './control/routes/earnings.ts'
import { dataFolder } from './data-folder.ts'
import { earningFromJson, openEarningsBook } from './earnings-book.ts'
import { askMiner } from './own-devices.ts'
import { openStore } from './store.ts'

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
export async function recordedEarnings(
  config: Pick<Config, 'dataDir'>,
  range: RecordRange,
  signal: AbortSignal,
): Promise<EpochEarning[] | undefined> {
  const { hotkey, from, to } = range
  const path = `/v1/earnings?hotkey=${hotkey}&from=${from}&to=${to}`
  const answer = await askMiner<EarningsAnswer>(config, path, signal)
  if (answer !== undefined) return answer.items.map(earningFromJson)
  const { storeFolder } = dataFolder(config.dataDir)
  if (!(await exists(join(storeFolder, 'CURRENT')))) return undefined
  try {
    await using store = await openStore(storeFolder)
    return await openEarningsBook(store).between(hotkey, from, to)
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
