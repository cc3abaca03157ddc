import type { BlockRef } from '../chain/block-ref.ts'
import type { Config } from './config.ts'
import { type OwnWeights, readOwnWeights } from './own-weights.ts'
import type { OpenChain } from './with-chain.ts'

/** One validator's weight for one uid, as `chain weights --json` prints it. */
export interface WeightRow {
  /** Which of the subnet's weight matrices. */
  readonly mechanism: number
  readonly validatorUid: number
  readonly validator: string
  readonly uid: number
  readonly hotkey: string
  /** Of 65535. */
  readonly weight: number
}

/** What `chain weights --json` prints. */
export interface WeightsView {
  /** The newest final block. */
  readonly block: number
  readonly items: readonly WeightRow[]
  /** What anybody has timelocked and the chain has not opened yet. */
  readonly timelocked: readonly TimelockedRow[]
  /** Of the wallet's hotkey; null without a wallet. */
  readonly mine: OwnWeights | null
}

/** Somebody's weights that nobody can read yet. */
export interface TimelockedRow {
  readonly hotkey: string
  readonly own: boolean
  readonly committedAtBlock: number
  /** The round of the beacon that opens them. */
  readonly round: number
  /** The block that is expected to open them, and the first one that is too late. */
  readonly opensAtBlock: number
  readonly closesAtBlock: number
}

/** The weights that stand at a block, and how those of the configured wallet's hotkey do. */
export async function weightsView(
  open: OpenChain,
  config: Config,
  head: BlockRef,
): Promise<WeightsView> {
  const { chain, net } = open
  const { neurons, block } = await chain.metagraph(net.netuid, head)
  const count = await chain.mechanisms(net.netuid, block)
  const all = Array.from({ length: count }, (_, one) => chain.weights(net.netuid, block, one))
  const hotkeyOf = (uid: number): string => neurons[uid]?.hotkey ?? ''
  const items = (await Promise.all(all)).flatMap((weights, mechanism) =>
    [...weights]
      .sort(([a], [b]) => a - b)
      .flatMap(([validatorUid, row]) =>
        row.map(([uid, weight]): WeightRow => {
          const [validator, hotkey] = [hotkeyOf(validatorUid), hotkeyOf(uid)]
          return { mechanism, validatorUid, validator, uid, hotkey, weight }
        }),
      ),
  )
  const mine = (await readOwnWeights(open, config, block)) ?? null
  const timelocked = (await chain.timelockedCommits(net.netuid, block))
    .filter(({ state }) => state !== 'expired')
    .map((one) => ({
      hotkey: one.hotkey,
      own: one.hotkey === mine?.hotkey,
      committedAtBlock: one.block,
      round: one.round,
      opensAtBlock: one.opensAt,
      closesAtBlock: one.closesAt,
    }))
  return { block: block.number, items, timelocked, mine }
}
