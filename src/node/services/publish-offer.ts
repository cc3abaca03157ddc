import { every } from '../../clock.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import type { Offer } from '../../protocols/offers.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { Policy } from '../leases/policy.ts'
import type { Machine } from '../machine.ts'
import {
  createOfferDesk,
  DEFAULT_TERMS,
  FREE_LOT,
  LOTS_PER_ENGINE,
  TAKEN_LOT,
} from '../offer-desk.ts'
import type { Offers } from '../offers.ts'
import type { OwnPolicy } from '../own-policy.ts'
import type { OwnPrice } from '../own-price.ts'
import type { Price } from '../price.ts'
import type { Scores } from '../scores.ts'
import type { Service } from '../service.ts'
import { isTooSmall } from '../tenant-room.ts'

interface Parts {
  readonly core: Core
  readonly offers: Offers
  readonly machine?: Machine | undefined
  readonly scores?: Scores | undefined
  /** What is asked for now, and whom for; the price of the options without them, moved by nothing. */
  readonly price?: OwnPrice | undefined
  readonly policy?: OwnPolicy | undefined
}

/**
 * Repeats this miner's offer so that newcomers learn it within one interval, and withdraws it at the end and while
 * leases hold every device; what is let is offered to wait for, where this miner keeps a queue. Each engine that its
 * owner named has offers of its own, for no lease is on two. A miner without a price or without a container engine offers
 * nothing, and says so.
 */
export function publishOffer(parts: Parts): Service {
  const { core, machine, price, policy } = parts
  const { config, log, net } = core
  const local = net.network === 'local'
  const desks =
    machine === undefined || config.price === undefined
      ? []
      : openDesks(parts, machine, config.price)
  return {
    name: 'publish-offer',
    async start(signal) {
      if (desks.length === 0 || machine === undefined) {
        return log.warn('no-offer', { reason: 'no price is set', next: 'give --price' })
      }
      if (machine.engine === 'none') {
        const reason = 'no container engine answers: leases are refused, proofs go on'
        return log.warn('no-offer', { reason, next: 'compute-node doctor says what to install' })
      }
      tellTooSmall(core, machine)
      const failed = (error: unknown): void => log.error('offer-failed', error)
      const offerNow = async (): Promise<void> => {
        const keepsQueue = policy === undefined || policy.now().maxWaiting > 0
        for (const { free, taken, of } of desks) {
          await free.setAvailable(freeDevices(machine, of))
          await taken.setAvailable(keepsQueue ? takenDevices(machine, of) : [])
        }
      }
      machine.capacity?.onChange(() => void offerNow().catch(failed), signal)
      policy?.onChange(offerNow, signal)
      await offerNow()
      const intervalMs = local ? secondsMs(5) : minutesMs(5)
      void every(intervalMs, { signal, log, name: 'publish-offer' }, async () => {
        await price?.step()
        for (const { free, taken } of desks) {
          await free.repeat()
          await taken.repeat()
        }
      })
    },
    async stop() {
      for (const { free, taken } of desks) {
        await free.withdraw()
        await taken.withdraw()
      }
    },
  }
}

/** What one pair of desks offers: the machine, or what is on one of its engines. */
type Offered = Pick<Machine, 'devices' | 'host' | 'room' | 'engine' | 'isolation'> & {
  readonly isProven?: boolean
}

/** For each engine one desk for what is free and one for what is let. */
function openDesks(
  { core, offers, scores, price, policy }: Parts,
  machine: Machine,
  perHour: string,
) {
  const { config, net } = core
  const local = net.network === 'local'
  const fixed = { perHour, exclusivePerHour: config.exclusivePrice, asset: 'DEV' }
  // A devnet shows whole lives of leases: they may be short.
  const widest = local ? { ...DEFAULT_TERMS, minLeaseMs: 1000 } : DEFAULT_TERMS
  const all: readonly Offered[] = machine.engines ?? [machine]
  const common = {
    core,
    offers,
    binding: () => machine.binding?.(),
    // What is on no engine is for nobody to rent.
    wholeCount: () => all.reduce((sum, { devices }) => sum + devices.length, 0),
    terms: () => termsWithin(widest, policy?.now()),
    measuredOf: (device: string) => scores?.measuredOf(core.peerId, device),
    ...(local ? { lifetimeMs: minutesMs(2) } : {}),
  }
  const priceOf = ({ isProven = true }: Offered): Price => {
    const { exclusivePerHour, ...now } = price?.now() ?? fixed
    // What proves nothing anyway has nothing to leave off.
    return isProven ? { ...now, exclusivePerHour } : now
  }
  return all.map((of, at) => {
    const own = { ...common, machine: of, price: () => priceOf(of) }
    const lots = at * LOTS_PER_ENGINE
    return {
      of,
      free: createOfferDesk({ ...own, lot: lots + FREE_LOT }),
      taken: createOfferDesk({ ...own, lot: lots + TAKEN_LOT, taken: true }),
    }
  })
}

/** How long a lease may be: what the network has, narrowed by the owner. */
function termsWithin(widest: Offer['terms'], policy: Policy | undefined): Offer['terms'] {
  const { minLeaseMs, maxLeaseMs } = widest
  const most = Math.min(maxLeaseMs, policy?.maxLeaseMs ?? maxLeaseMs)
  const least = Math.max(minLeaseMs, policy?.minLeaseMs ?? minLeaseMs)
  return { ...widest, minLeaseMs: Math.min(least, most), maxLeaseMs: most }
}

function freeDevices({ capacity }: Machine, { devices }: Offered): string[] {
  const free = capacity?.free()
  return devices.map(({ id }) => id).filter((id) => free?.includes(id) ?? true)
}

/** All that may work, once some of it is let: who waits, waits for the machine. */
function takenDevices({ capacity }: Machine, { devices }: Offered): string[] {
  if (capacity === undefined) return []
  const able = devices
    .map(({ id }) => id)
    .filter((id) => capacity.barOf(id) === undefined && capacity.shutOf(id) === undefined)
  return able.some((device) => capacity.holderOf(device) !== undefined) ? able : []
}

function tellTooSmall({ log, net }: Core, machine: Machine): void {
  for (const { id } of machine.devices.filter((one) =>
    isTooSmall(one, slotNetworks[net.network]),
  )) {
    const reason = 'its memory does not hold a tenant beside the smallest proofs'
    log.warn('gpu-not-offered', { gpu: id, reason, next: 'it proves and earns all the same' })
  }
}
