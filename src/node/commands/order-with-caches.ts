import type { WishBody } from '../../api/leases.ts'
import { codeOf, messageOf } from '../../errors.ts'

/** Refusals after which a lease is asked for without the caches of its template; nothing was agreed with any of them. */
const notMounted: ReadonlySet<string> = new Set([
  'NOTHING_MATCHED',
  'PEER_UNREACHABLE',
  'REFUSED_NO_CAPACITY',
  'REFUSED_VOLUME',
  'REFUSED_VOLUME_BUSY',
])

/**
 * Orders a lease with its template's caches, and without them where they cannot be mounted now: what only saves time is
 * worth no wait for the miner that keeps it.
 * @param without the same wish without caches
 * @param told hears why they are left out
 * @throws what `order` throws for any other reason, and what it throws without them
 */
export async function orderWithCaches<T>(
  order: (wish: WishBody) => Promise<T>,
  wish: WishBody,
  without: WishBody,
  told: (why: string) => void,
): Promise<T> {
  const isSame = (wish.volumes?.length ?? 0) === (without.volumes?.length ?? 0)
  if (isSame) return order(wish)
  const { waitMs: _, ...now } = wish
  try {
    return await order(now)
  } catch (error) {
    if (!notMounted.has(codeOf(error))) throw error
    told(`without the template's caches: ${messageOf(error)}`)
  }
  return order(without)
}
