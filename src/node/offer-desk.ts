import { atMost } from '../at-most.ts'
import { slotNetworks } from '../gpu/slot-network.ts'
import {
  noticesTopic,
  OFFER_LIFETIME_MS,
  type Offer,
  type OfferDevice,
  offerId,
  offersTopic,
  sealOffer,
  sealWithdrawal,
  withdrawalOf,
} from '../protocols/offers.ts'
import { type Topic, topicName } from '../protocols/topic.ts'
import { minutesMs } from '../units.ts'
import type { Core } from './core.ts'
import { hostWith } from './leases/lease-room.ts'
import type { Machine } from './machine.ts'
import type { Offers } from './offers.ts'
import { sameTerms } from './order-book.ts'
import type { Price } from './price.ts'
import { shareOf } from './price.ts'
import { nextSequence } from './sequence.ts'
import { isTooSmall, tenantMiB } from './tenant-room.ts'

/** Where a miner's offer is made, repeated, changed and withdrawn. */
export interface OfferDesk {
  /** Offers these devices from now on, but none without room for a tenant; none at all withdraws the offer. */
  setAvailable(deviceIds: readonly string[]): Promise<void>
  /** Publishes what stands once more, so that newcomers learn of it and it does not expire. */
  repeat(): Promise<void>
  withdraw(): Promise<void>
  /** The offer that stands, if any. */
  standing(): Offer | undefined
}

export interface DeskOptions {
  readonly core: Core
  readonly offers: Offers
  /** The machine, or one of a miner's engines with what is on it. */
  readonly machine: Pick<Machine, 'devices' | 'host' | 'room' | 'engine' | 'isolation'>
  /** The hotkey's consent, once there is one. */
  readonly binding?: Machine['binding']
  /** How many devices the price is for; those of `machine` without. */
  readonly wholeCount?: () => number
  /** What the whole machine costs now. */
  readonly price: () => Price
  /** How long a lease may be now. */
  readonly terms: () => Offer['terms']
  /** Which of this miner's offers it is; the first one without. */
  readonly lot?: number
  /** True for an offer of what leases hold now, to wait for. */
  readonly taken?: boolean
  /** What validators measured of a device, with the attestations that say so. */
  readonly measuredOf?: (deviceId: string) => OfferDevice['measured']
  /** How long one record stands unless it is repeated. */
  readonly lifetimeMs?: number
}

/** What is free of one machine is one lot; what is let, and may be waited for, is another. Each engine has two. */
export const FREE_LOT = 0
export const TAKEN_LOT = 1
export const LOTS_PER_ENGINE = 2

/** The desk of one machine. Its calls run one after the other, so that the last one asked for is what stands. */
export function createOfferDesk(options: DeskOptions): OfferDesk {
  const { core, offers, machine, lot = FREE_LOT, taken = false } = options
  const { net, key, peerId, store, libp2p, nowMs, events } = core
  const lifetimeMs = Math.min(options.lifetimeMs ?? OFFER_LIFETIME_MS, OFFER_LIFETIME_MS)
  const bucket = store.bucket('own')
  let available: ReadonlySet<string> = new Set()
  let standing: Offer | undefined
  const inTurn = atMost(1)

  const deviceOf = (device: Machine['devices'][number]): OfferDevice => {
    const measured = options.measuredOf?.(device.id)
    const vramMiB = tenantMiB(device, slotNetworks[net.network])
    return { ...withoutUuid(device), vramMiB, ...(measured === undefined ? {} : { measured }) }
  }

  const hasRoom = (device: Machine['devices'][number]): boolean =>
    !isTooSmall(device, slotNetworks[net.network])

  const say = async (topic: Topic, bytes: Uint8Array): Promise<void> =>
    void (await libp2p.services.gossip.publish(topicName(net, topic), bytes))

  function draft(seq: number): Offer {
    const devices = machine.devices.filter(({ id }) => available.has(id)).map(deviceOf)
    const now = nowMs()
    const room = machine.room?.(devices.length)
    const hotkey = options.binding?.()?.hotkey
    const price = options.price()
    const whole = options.wholeCount?.() ?? machine.devices.length
    const share = (price: string): string => shareOf(price, devices.length, whole)
    return {
      peerId,
      ...(hotkey === undefined ? {} : { hotkey }),
      lot,
      seq,
      issuedAtMs: now,
      expiresAtMs: now + lifetimeMs,
      devices,
      host: room === undefined ? machine.host : hostWith(machine.host, room),
      engine: machine.engine,
      ...(machine.isolation === undefined ? {} : { isolation: machine.isolation }),
      dph: share(price.perHour),
      ...(price.exclusivePerHour === undefined
        ? {}
        : { exclusiveDph: share(price.exclusivePerHour) }),
      asset: price.asset,
      terms: options.terms(),
      ...(taken ? { taken } : {}),
    }
  }

  async function publish(): Promise<void> {
    let next = draft(standing?.seq ?? 0)
    const changed = standing === undefined || !sameTerms(next, standing)
    if (changed) next = { ...next, seq: await nextSequence(bucket, 'offer', nowMs()) }
    const record = sealOffer(net, key, next)
    standing = next
    await offers.admit(record)
    await say(offersTopic, record.bytes)
    if (changed) {
      const id = Buffer.from(offerId(net, record)).toString('hex')
      const event = taken ? 'queue-offer-published' : 'offer-published'
      events.emit(event, { id, dph: next.dph, asset: next.asset })
    }
  }

  async function withdraw(): Promise<void> {
    if (standing === undefined) return
    const record = sealWithdrawal(net, key, withdrawalOf(standing, nowMs()))
    standing = undefined
    await offers.withdraw(record)
    await say(noticesTopic, record.bytes)
  }

  return {
    setAvailable: (ids) =>
      inTurn(async () => {
        const known = machine.devices.filter(hasRoom).map(({ id }) => id)
        available = new Set(ids.filter((id) => known.includes(id)))
        await (available.size === 0 ? withdraw() : publish())
      }),
    repeat: () => inTurn(async () => (available.size === 0 ? undefined : publish())),
    withdraw: () =>
      inTurn(async () => {
        available = new Set()
        await withdraw()
      }),
    standing: () => standing,
  }
}

/** Which board exactly it is, is for the capability record alone. */
const withoutUuid = ({
  id,
  vendor,
  name,
  vramMiB,
  driver,
  computeCapability,
}: Machine['devices'][number]) => ({
  id,
  vendor,
  name,
  vramMiB,
  ...(driver === undefined ? {} : { driver }),
  ...(computeCapability === undefined ? {} : { computeCapability }),
})

/** The terms a miner offers unless told otherwise. */
export const DEFAULT_TERMS: Offer['terms'] = {
  minLeaseMs: minutesMs(1),
  maxLeaseMs: 30 * 24 * minutesMs(60),
  rails: ['dev'],
}
