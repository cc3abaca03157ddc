import type { Metagraph } from '../chain/chain.ts'
import type { NetworkName } from '../protocols/network.ts'
import { secondsMs } from '../units.ts'

/** The block that scores stand on, as far as they ask. */
export interface ScoringBlock {
  /** When it was made, Unix ms; undefined on a chain without a clock. */
  readonly atMs: number | undefined
  readonly registered: readonly RegisteredHotkey[]
}

export interface RegisteredHotkey {
  readonly publicKey: Uint8Array
  /** When it was registered, Unix ms; undefined where blocks tell no time. */
  readonly sinceMs: number | undefined
}

/** Time between blocks on public networks; that of a local one is its owner's choice, so nothing is dated there. */
const BLOCK_MS = { local: undefined, test: secondsMs(12), finney: secondsMs(12) } as const

/** Reads a metagraph as scoring does: a registration is dated by the blocks since, a little late where some were slow. */
export function scoringBlock(
  { block, timeMs, neurons }: Pick<Metagraph, 'block' | 'timeMs' | 'neurons'>,
  network: NetworkName,
): ScoringBlock {
  const blockMs = BLOCK_MS[network]
  const timeOf = (number: number): number | undefined =>
    blockMs === undefined || timeMs === undefined
      ? undefined
      : timeMs - (block.number - number) * blockMs
  const registered = neurons.map(({ hotkeyPublicKey, registeredAt }) => ({
    publicKey: hotkeyPublicKey,
    sinceMs: timeOf(registeredAt),
  }))
  return { atMs: timeMs, registered }
}
