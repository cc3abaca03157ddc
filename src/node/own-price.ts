import { z } from 'zod'
import type { Core } from './core.ts'
import type { Capacity } from './leases/capacity.ts'
import type { OwnPolicy } from './own-policy.ts'
import type { Price } from './price.ts'
import { boundedPrice, nextPrice, scaledPrice } from './price-rule.ts'

/** What a miner asks for its whole machine now: its price, moved by the rule of its policy. */
export interface OwnPrice {
  now(): Price
  /** Looks whether a window is over, and moves the price then; true when it moved. */
  step(): Promise<boolean>
  /** The share of the devices' time that was let since the window began, 0 to 1. */
  usedShare(): number
}

const KEY = 'price'
/** A moved price, the option that it was moved from, and when its window began. */
const storedSchema = z.object({ perHour: z.string(), over: z.string(), sinceMs: z.number() })

export interface PriceNeeds {
  readonly core: Pick<Core, 'store' | 'log' | 'nowMs'>
  readonly policy: OwnPolicy
  readonly capacity: Capacity
  /** As the options say. */
  readonly price: Price
  /** Ends what it looks at. */
  readonly signal: AbortSignal
}

/**
 * Goes on from the price that was moved last, unless the option says something else since. What was let while the node
 * did not run nobody knows: the window begins anew.
 */
export async function createOwnPrice(needs: PriceNeeds): Promise<OwnPrice> {
  const { core, policy, capacity, price, signal } = needs
  const bucket = core.store.bucket('policy')
  const used = measureUse(capacity, core.nowMs, signal)
  let perHour = await load()

  async function load(): Promise<string> {
    const bytes = await bucket.get(KEY)
    if (bytes === undefined) return price.perHour
    try {
      const stored = storedSchema.parse(JSON.parse(Buffer.from(bytes).toString()))
      return stored.over === price.perHour ? stored.perHour : price.perHour
    } catch (error) {
      core.log.error('stored-price-unreadable', error)
      return price.perHour
    }
  }

  const now = (): string => {
    const { priceFloor, priceCeiling, priceStepPercent } = policy.now()
    const moved = priceStepPercent === null ? price.perHour : perHour
    return boundedPrice(moved, priceFloor, priceCeiling)
  }

  return {
    now() {
      const { exclusivePerHour } = price
      return {
        ...price,
        perHour: now(),
        ...(exclusivePerHour === undefined
          ? {}
          : { exclusivePerHour: scaledPrice(exclusivePerHour, price.perHour, now()) }),
      }
    },
    usedShare: used.share,
    async step() {
      const { priceFloor, priceCeiling, priceStepPercent, priceWindowMs } = policy.now()
      if (priceStepPercent === null || priceFloor === null || priceCeiling === null) {
        used.restart()
        return false
      }
      if (used.sinceMs() + priceWindowMs > core.nowMs()) return false
      const rule = { floor: priceFloor, ceiling: priceCeiling, stepPercent: priceStepPercent }
      const next = nextPrice(now(), used.share(), rule)
      used.restart()
      if (next === now()) return false
      const stored = { perHour: next, over: price.perHour, sinceMs: core.nowMs() }
      await bucket.put(KEY, Buffer.from(JSON.stringify(stored)))
      perHour = next
      return true
    },
  }
}

/** How much of the time devices were held by leases, from changes of who holds them. */
function measureUse(capacity: Capacity, nowMs: () => number, signal: AbortSignal) {
  let sinceMs = nowMs()
  let atMs = sinceMs
  let usedMs = 0
  let wholeMs = 0
  let held = heldCount(capacity)
  let size = capacity.size
  function look(): void {
    const passedMs = Math.max(0, nowMs() - atMs)
    usedMs += passedMs * held
    wholeMs += passedMs * size
    atMs += passedMs
    held = heldCount(capacity)
    size = capacity.size
  }
  capacity.onChange(look, signal)
  return {
    sinceMs: () => sinceMs,
    share(): number {
      look()
      return wholeMs === 0 ? 0 : usedMs / wholeMs
    },
    restart(): void {
      look()
      sinceMs = nowMs()
      usedMs = 0
      wholeMs = 0
    },
  }
}

/** Devices that cannot be let count as neither: they are held by nobody, and small in number. */
const heldCount = (capacity: Capacity): number =>
  capacity.all().filter((device) => capacity.holderOf(device) !== undefined).length
