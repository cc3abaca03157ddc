import { type At, bigintOf, maybe, numberOf, subtensor } from './entries.ts'

const ONE_ALPHA = 1_000_000_000n
/** A Perquintill: parts of 10^18. */
const WHOLE = 10n ** 18n

/** Entries of swap pallets whose price is no weighted product of the pool's two sides. */
const OTHER_CURVES = ['alphaSqrtPrice', 'swapSuperellipse']

/**
 * Rao that one whole alpha costs at this block by the subnet's pool, rounded down; undefined where the pool is empty or
 * the runtime's curve is none that this program knows. A subnet with mechanism 0 trades alpha for TAO one to one.
 */
export async function readPrice(at: At, netuid: number): Promise<bigint | undefined> {
  const swap = at.query['swap']
  if (OTHER_CURVES.some((name) => swap?.[name] !== undefined)) return undefined
  const kind = maybe(at, 'subnetMechanism')
  const balancer = swap?.['swapBalancer']
  const [tao, alpha, mechanism, weights] = await Promise.all([
    subtensor(at, 'subnetTAO')(netuid),
    subtensor(at, 'subnetAlphaIn')(netuid),
    kind?.(netuid),
    balancer?.(netuid),
  ])
  if (mechanism !== undefined && numberOf(mechanism) === 0) return ONE_ALPHA
  const quote = (weights as { readonly quote?: unknown } | undefined)?.quote
  return poolPrice(
    bigintOf(tao),
    bigintOf(alpha),
    quote === undefined ? WHOLE / 2n : BigInt(String(quote)),
  )
}

/** `w_alpha * tao / (w_tao * alpha)` with weights that add up to 10^18; equal ones make the constant product. */
export function poolPrice(tao: bigint, alpha: bigint, taoWeight: bigint): bigint | undefined {
  if (alpha === 0n || taoWeight === 0n) return undefined
  return (ONE_ALPHA * tao * (WHOLE - taoWeight)) / (alpha * taoWeight)
}
