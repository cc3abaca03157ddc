import type { Chain } from '../../src/chain/chain.ts'
import type { Hotkey } from '../../src/chain/keys.ts'
import { sleep } from '../../src/clock.ts'
import { silent } from '../../src/log.ts'
import type { WeightsBook } from '../../src/node/weights-book.ts'
import { createWeightsKeeper } from '../../src/node/weights-keeper.ts'

/** Steps at which a validator dies. `sent`: the pool has the transaction, no block does. */
export type WeightsCrash =
  | 'before keep'
  | 'kept'
  | 'sent'
  | 'in a block'
  | 'before reveal'
  | 'revealed'

/** What a victim is told. */
export interface WeightsVictim {
  readonly url: string
  /** Of a test key. */
  readonly seed: number
  readonly folder: string
  readonly at: WeightsCrash
}

interface Kept {
  readonly chain: Chain
  readonly hotkey: Hotkey
  readonly book: WeightsBook
  readonly signal: AbortSignal
  readonly onEvent?: (event: string) => void
}

/** Sets and reveals weights on subnet 1, half of all for each of its first two neurons, until `signal` aborts. */
export async function keepWeights({ chain, hotkey, book, signal, onEvent }: Kept): Promise<void> {
  let snapshot: Parameters<Parameters<typeof createWeightsKeeper>[0]['wanted']>[0] | undefined
  const keeper = createWeightsKeeper({
    netuid: 1,
    hotkey,
    book,
    log: silent,
    events: { emit: (event) => onEvent?.(event) },
    chain: () => chain,
    snapshot: () => snapshot,
    wanted: () => ({
      kind: 'weights',
      byUid: new Map([
        [0, 1],
        [1, 1],
      ]),
    }),
    boundUids: () => [],
  })
  while (!signal.aborted) {
    const head = await chain.head()
    const [metagraph, epoch] = [await chain.metagraph(1, head), await chain.epoch(1, head)]
    snapshot = { metagraph, epoch, commitments: new Map() }
    await keeper.turn()
    await sleep(150, signal).catch(() => undefined)
  }
}
