import type { Metagraph } from '../chain/metagraph.ts'
import type { NetworkName } from '../protocols/network.ts'
import { secondsMs } from '../units.ts'

/** The block that scores stand on, as far as they ask. */
export interface ScoringBlock {
  /** When it was made, Unix ms; undefined on a chain without a clock. */
  readonly atMs: number | undefined
  readonly registered: readonly RegisteredHotkey[]
  /** What burned alpha is counted by; undefined where blocks tell no time. */
  readonly burning?: BurnRates | undefined
}

/** How blocks relate to time, and to what miners are paid. */
export interface BurnRates {
  readonly block: number
  readonly blockMs: number
  /** Base units of alpha that all miners together get per block. */
  readonly minersPerBlock: number
}

export interface RegisteredHotkey {
  readonly publicKey: Uint8Array
  /** SS58. */
  readonly address: string
  /** When it was registered, Unix ms; undefined where blocks tell no time. */
  readonly sinceMs: number | undefined
}

/** Time between blocks on public networks; that of a local one is its owner's choice, so nothing is dated there. */
const BLOCK_MS = { local: undefined, test: secondsMs(12), finney: secondsMs(12) } as const

/** Blocks in a time, where they tell any. */
export const blocksIn = (ms: number, network: NetworkName): number | undefined => {
  const blockMs = BLOCK_MS[network]
  return blockMs === undefined ? undefined : Math.ceil(ms / blockMs)
}

/** The chain gives miners and validators of a subnet half each of what an epoch emits. */
const MINERS_SHARE = 0.5

/**
 * Reads a metagraph as scoring does: a registration is dated by the blocks since, a little late where some were slow. What
 * miners get is half of what the last epoch, of `tempo` blocks, gave all neurons.
 */
export function scoringBlock(
  { block, timeMs, neurons }: Pick<Metagraph, 'block' | 'timeMs' | 'neurons'>,
  network: NetworkName,
  tempo: number,
): ScoringBlock {
  const blockMs = BLOCK_MS[network]
  const timeOf = (number: number): number | undefined =>
    blockMs === undefined || timeMs === undefined
      ? undefined
      : timeMs - (block.number - number) * blockMs
  const registered = neurons.map(({ hotkey, hotkeyPublicKey, registeredAt }) => ({
    publicKey: hotkeyPublicKey,
    address: hotkey,
    sinceMs: timeOf(registeredAt),
  }))
  if (blockMs === undefined || timeMs === undefined) return { atMs: timeMs, registered }
  const emitted = neurons.reduce((sum, { emission }) => sum + emission, 0n)
  const minersPerBlock = (MINERS_SHARE * Number(emitted)) / Math.max(1, tempo)
  return { atMs: timeMs, registered, burning: { block: block.number, blockMs, minersPerBlock } }
}
