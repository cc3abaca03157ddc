import type { BlockRef } from '../chain/block-ref.ts'
import type { WeightsWay } from '../chain/chain-weights.ts'
import { loadHotkey } from '../chain/wallet.ts'
import { refusalOf } from '../chain/weight-rules.ts'
import type { RefusalReason } from '../chain/weights-refusal.ts'
import { codeOf } from '../errors.ts'
import type { Config } from './config.ts'
import { walletPlace } from './wallet-place.ts'
import type { OpenChain } from './with-chain.ts'

/** How the weights of one hotkey stand. */
export interface OwnWeights {
  readonly hotkey: string
  readonly uid: number | null
  readonly way: WeightsWay
  /** Block of the last weights or commit (or of the registration). */
  readonly setAtBlock: number | null
  readonly commits: readonly OwnCommit[]
  readonly epoch: OwnEpoch
  /** Why nothing can be set now; null when something can. */
  readonly refusal: OwnRefusal | null
}

export interface OwnCommit {
  readonly hash: string
  readonly state: 'early' | 'open' | 'expired'
  readonly opensAtBlock: number
  readonly closesAtBlock: number
}

/** Where the subnet stands: weights count for this epoch until it ends. */
export interface OwnEpoch {
  readonly index: number
  readonly tempo: number
  readonly endsAtBlock: number
  readonly blocksLeft: number
  /** At 12 s a block; null on local networks, whose blocks come as they were told to. */
  readonly minutesLeft: number | null
}

export interface OwnRefusal {
  readonly reason: RefusalReason
  readonly message: string
  readonly retryAtBlock: number | null
}

const BLOCKS_PER_MINUTE = 5

/** What the chain knows of the wallet's own weights at a block; undefined without a wallet. */
export async function readOwnWeights(
  { chain, net }: OpenChain,
  config: Config,
  block: BlockRef,
): Promise<OwnWeights | undefined> {
  const hotkey = await ownAddress(config)
  if (hotkey === undefined) return undefined
  const rules = await chain.weightRules(net.netuid, hotkey, block)
  const windows = await chain.commitWindows(net.netuid, hotkey, block)
  const { index, tempo, next, blocksLeft } = rules.epoch
  const minutes = Math.round((blocksLeft / BLOCKS_PER_MINUTE) * 10) / 10
  const refusal = refusalOf(rules)
  return {
    hotkey,
    uid: rules.uid ?? null,
    way: rules.way,
    setAtBlock: rules.lastUpdate === 0 ? null : rules.lastUpdate,
    commits: windows.map(({ hash, state, opensAt, closesAt }) => ({
      hash,
      state,
      opensAtBlock: opensAt,
      closesAtBlock: closesAt,
    })),
    epoch: {
      index,
      tempo,
      endsAtBlock: next,
      blocksLeft,
      minutesLeft: net.network === 'local' ? null : minutes,
    },
    refusal:
      refusal === undefined ? null : { ...refusal, retryAtBlock: refusal.retryAtBlock ?? null },
  }
}

async function ownAddress(config: Config): Promise<string | undefined> {
  try {
    return (await loadHotkey(walletPlace(config))).address
  } catch (error) {
    if (codeOf(error) === 'BAD_CONFIG_WALLET') return undefined
    throw error
  }
}
