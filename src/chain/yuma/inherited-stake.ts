/** What a hotkey holds, and what it gets from others or gives away in one subnet. */
export interface Holding {
  /** Base units of the subnet's alpha on this hotkey. */
  readonly alpha: bigint
  /** Rao staked on this hotkey in the root subnet. */
  readonly rootTao: bigint
}

export interface Heritage extends Holding {
  /** The share, of 2^64 - 1, that each child takes. */
  readonly children: readonly bigint[]
  readonly parents: readonly (Holding & { readonly share: bigint })[]
}

const WHOLE = 2n ** 64n - 1n

/** A share with 32 bits after the point, rounded down. */
const shareBits = (share: bigint): bigint => (share << 32n) / WHOLE

/**
 * The stake that counts for a hotkey in a subnet: its alpha and its root TAO by `taoWeight` (of 2^64 - 1), each without
 * what children take and with what parents give. Base units; what is below one, which the runtime carries on, is dropped.
 */
export function countedStake(heritage: Heritage, taoWeight: bigint): bigint {
  const own = (of: (holding: Holding) => bigint): bigint => {
    const mine = of(heritage)
    const given = heritage.children.reduce((sum, share) => sum + mine * shareBits(share), 0n)
    const left = (mine << 32n) - given
    const got = heritage.parents.reduce((sum, one) => sum + of(one) * shareBits(one.share), 0n)
    return ((left > 0n ? left : 0n) + got) >> 32n
  }
  const alpha = own((holding) => holding.alpha)
  const tao = own((holding) => holding.rootTao)
  return alpha + ((tao * shareBits(taoWeight)) >> 32n)
}
