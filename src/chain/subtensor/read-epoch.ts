import type { ApiPromise } from '@polkadot/api'
import type { Codec } from '@polkadot/types/types'
import type { BlockRef } from '../block-ref.ts'
import type { Epoch } from '../metagraph.ts'
import { featuresOf } from './features.ts'
import { readStorage, type Wanted } from './storage-batch.ts'

const COUNTED = ['subnetEpochIndex', 'lastEpochBlock', 'pendingEpochAt'] as const

/** The storage from which `epochFrom` tells the epoch. */
export const epochWanted = (api: ApiPromise, netuid: number): readonly Wanted[] =>
  ['tempo', ...(featuresOf(api).statefulEpochs ? COUNTED : [])].map(
    (name): Wanted => ['subtensorModule', name, netuid],
  )

/** Where a subnet stands in its epoch: counted in storage on newer runtimes, by block number on older ones. */
export function epochFrom(
  netuid: number,
  { number }: BlockRef,
  values: readonly (Codec | undefined)[],
): Epoch {
  const [tempo, index, last, pending] = values.map((value) => Number(String(value)))
  if (index === undefined) return epochByNumber(netuid, tempo!, number)
  return countedEpoch({ index, last: last!, pending: pending!, tempo: tempo! }, number)
}

/** Reads the epoch alone. */
export async function readEpoch(api: ApiPromise, netuid: number, block: BlockRef): Promise<Epoch> {
  return epochFrom(netuid, block, await readStorage(api, block, epochWanted(api, netuid)))
}

interface Counted {
  readonly index: number
  readonly tempo: number
  readonly last: number
  /** The block at which the owner wants an epoch; 0 for none. */
  readonly pending: number
}

/**
 * `get_next_epoch_start_block` of spec 424: tempo blocks after the last one, or when the owner asked for one if that is
 * earlier. It may slip by blocks, for only so many subnets have their epoch in one block; then it is due now.
 */
export function countedEpoch({ index, tempo, last, pending }: Counted, block: number): Epoch {
  const due = pending > 0 ? Math.min(last + tempo, pending) : last + tempo
  const next = Math.max(due, block)
  return { index, tempo, last, next, blocksLeft: next - block }
}

/** Spec 218: an epoch fires at every block with (block + netuid + 1) % (tempo + 1) = 0. */
export function epochByNumber(netuid: number, tempo: number, block: number): Epoch {
  const span = tempo + 1
  const index = Math.floor((block + netuid + 1) / span)
  const last = index * span - (netuid + 1)
  const next = last + span
  return { index, tempo, last, next, blocksLeft: next - block }
}
