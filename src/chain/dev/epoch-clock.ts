import type { Storage } from './storage.ts'

const MODULE = 'subtensorModule'

/** Whether this runtime counts epochs in storage; older ones go by block number. */
export const countsEpochs = ({ runtime }: Storage): boolean =>
  runtime.has(MODULE, 'subnetEpochIndex')

/** Whether a subnet's epoch is due in a block: a tempo after the last one or when it was put off to, else by number. */
export function epochDue(storage: Storage, netuid: number, block: number): boolean {
  const tempo = storage.number(MODULE, 'tempo', netuid)
  if (tempo === 0) return false
  if (!countsEpochs(storage)) return (block + netuid + 1) % (tempo + 1) === 0
  const pending = storage.number(MODULE, 'pendingEpochAt', netuid)
  if (pending > 0 && block >= pending) return true
  return block - storage.number(MODULE, 'lastEpochBlock', netuid) >= tempo
}

/** The epoch by which commits are counted: one that is due in this block, and did not run yet, counts already. */
export const epochNow = (storage: Storage, netuid: number, block: number): number =>
  storage.number(MODULE, 'subnetEpochIndex', netuid) + (epochDue(storage, netuid, block) ? 1 : 0)
