import { sleep } from '../../clock.ts'
import { telemetry } from '../../gpu/telemetry.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import { dropQuotes } from '../leases/host-answers.ts'
import type { HostBook } from '../leases/host-book.ts'
import { warnLeases } from '../leases/warn-leases.ts'
import { barFor, type GpuStanding, type OwnGpus } from '../own-gpus.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly gpus: OwnGpus
  readonly hosting: HostBook
}

/** A reading that hangs is not waited for when the node stops: its deadline ends it. */
const STOP_MS = secondsMs(1)

/**
 * Follows what the drivers say of this node's GPUs. One that is lost takes no new lease and no proof, and leaves the
 * capability record and the offers, which look at what is barred; when it is back, all of that comes back.
 */
export function watchGpus({ core, gpus, hosting: book }: Parts): Service {
  const { log, events, net, nowMs } = core
  const { capacity } = book
  const intervalMs = secondsMs(net.network === 'local' ? 2 : 5)
  let followed: Promise<void> = Promise.resolve()

  async function settle(standing: GpuStanding): Promise<void> {
    const { id: gpu, name } = standing.sample.gpu
    const [before, now] = [capacity.barOf(gpu), barFor(standing)]
    capacity.bar(gpu, now)
    warnLeases(book, gpu)
    if (before?.kind === now?.kind) return
    if (now === undefined) {
      log.info(before?.kind === 'lost' ? 'gpu-back' : 'gpu-resumed', { gpu, name })
      events.emit(before?.kind === 'lost' ? 'gpu-back' : 'gpu-resumed', { gpu })
    } else {
      log.warn(`gpu-${now.kind}`, { gpu, name, reason: now.reason })
      events.emit(`gpu-${now.kind}`, { gpu, reason: now.reason })
      await dropQuotes(book, ({ terms }) => terms.devices.includes(gpu))
    }
  }

  async function follow(signal: AbortSignal, onRound: () => void): Promise<void> {
    const { drivers, first } = gpus
    for await (const samples of telemetry({ drivers, first, intervalMs, nowMs, signal })) {
      try {
        gpus.post(samples.map((sample) => ({ sample, paused: null })))
        for (const standing of gpus.standings()) await settle(standing)
      } catch (error) {
        log.error('gpu-round-failed', error) // the next round sees the same again
      }
      onRound()
    }
  }

  return {
    name: 'watch-gpus',
    async start(signal) {
      // What may not work is barred before anything is offered or proven.
      const first = Promise.withResolvers<void>()
      followed = follow(signal, first.resolve)
      await first.promise
    },
    stop: () => Promise.race([followed, sleep(STOP_MS)]),
  }
}
