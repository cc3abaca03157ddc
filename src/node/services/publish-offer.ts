import { every } from '../../clock.ts'
import { slotNetworks } from '../../gpu/slot-network.ts'
import { minutesMs, secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { Machine } from '../machine.ts'
import { createOfferDesk, DEFAULT_TERMS } from '../offer-desk.ts'
import type { Offers } from '../offers.ts'
import type { Scores } from '../scores.ts'
import type { Service } from '../service.ts'
import { isTooSmall } from '../tenant-room.ts'

interface Parts {
  readonly core: Core
  readonly offers: Offers
  readonly machine?: Machine | undefined
  readonly scores?: Scores | undefined
}

/**
 * Repeats this miner's offer so that newcomers learn it within one interval, and withdraws it at the end and while
 * leases hold every device. A miner without a price or without a container engine offers nothing, and says so.
 */
export function publishOffer({ core, offers, machine, scores }: Parts): Service {
  const { config, log, net } = core
  const local = net.network === 'local'
  const desk =
    machine === undefined || config.price === undefined
      ? undefined
      : createOfferDesk({
          core,
          offers,
          machine,
          price: {
            perHour: config.price,
            exclusivePerHour: config.exclusivePrice,
            asset: 'DEV',
          },
          // A devnet shows whole lives of leases: they may be short.
          terms: local ? { ...DEFAULT_TERMS, minLeaseMs: 1000 } : DEFAULT_TERMS,
          measuredOf: (device) => scores?.measuredOf(core.peerId, device),
          ...(local ? { lifetimeMs: minutesMs(2) } : {}),
        })
  return {
    name: 'publish-offer',
    async start(signal) {
      if (desk === undefined || machine === undefined) {
        return log.warn('no-offer', { reason: 'no price is set', next: 'give --price' })
      }
      if (machine.engine === 'none') {
        const reason = 'no container engine answers: leases are refused, proofs go on'
        return log.warn('no-offer', { reason, next: 'compute-node doctor says what to install' })
      }
      const { capacity } = machine
      for (const { id } of machine.devices.filter((one) =>
        isTooSmall(one, slotNetworks[net.network]),
      )) {
        const reason = 'its memory does not hold a tenant beside the smallest proofs'
        log.warn('gpu-not-offered', { gpu: id, reason, next: 'it proves and earns all the same' })
      }
      const free = (): string[] => capacity?.free() ?? machine.devices.map(({ id }) => id)
      const failed = (error: unknown): void => log.error('offer-failed', error)
      capacity?.onChange(() => void desk.setAvailable(free()).catch(failed), signal)
      await desk.setAvailable(free())
      const intervalMs = local ? secondsMs(5) : minutesMs(5)
      void every(intervalMs, { signal, log, name: 'publish-offer' }, () => desk.repeat())
    },
    stop: async () => desk?.withdraw(),
  }
}
