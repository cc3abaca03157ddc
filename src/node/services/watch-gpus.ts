import { sleep } from '../../clock.ts'
import { type GpuSample, telemetry } from '../../gpu/telemetry.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import { createGpuJudge } from '../gpu-judge.ts'
import { dropQuotes } from '../leases/host-answers.ts'
import type { HostBook } from '../leases/host-book.ts'
import { warnLeases } from '../leases/warn-leases.ts'
import { barFor, type GpuStanding, type OwnGpus } from '../own-gpus.ts'
import { createPowerCaps } from '../power-caps.ts'
import type { Preflight } from '../preflight.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Core
  readonly gpus: OwnGpus
  readonly hosting: HostBook
  readonly preflight?: Preflight | undefined
}

/** A driver that hangs is not waited for when the node stops: its own deadline ends it. */
const STOP_MS = secondsMs(3)

/**
 * Follows what the drivers say of this node's GPUs, and holds them against their owner's limits. One that is lost or
 * paused takes no new lease and no proof, and leaves the capability record and the offers, which look at what is
 * barred; when it may work again, all of that comes back.
 */
export function watchGpus({ core, gpus, hosting: book, preflight }: Parts): Service {
  const { log, events, net, nowMs, store } = core
  const { capacity } = book
  const intervalMs = secondsMs(net.network === 'local' ? 2 : 5)
  const bucket = store.bucket('gpu-power')
  const powerCaps = createPowerCaps({ drivers: gpus.drivers, bucket, log })
  const containerIds = (): string[] =>
    [...book.live.values()].flatMap(({ container }) => container?.id ?? [])
  const { judge } = createGpuJudge({ limits: gpus.limits, powerCaps, containerIds, nowMs })
  let newest: readonly GpuSample[] = []
  let turn: Promise<void> = Promise.resolve()
  let followed: Promise<void> = Promise.resolve()

  async function settle(standing: GpuStanding): Promise<void> {
    const { id: gpu, name } = standing.sample.gpu
    const before = capacity.barOf(gpu)
    const now = barFor(standing)
    if (now?.kind === 'lost') preflight?.reset(gpu)
    capacity.bar(gpu, now ?? preflight?.barOf(gpu))
    warnLeases(book, gpu)
    // Who checks a device tells of that (preflight.ts).
    const was = before?.kind === 'unfit' ? undefined : before?.kind
    if (was === now?.kind) return
    if (now === undefined) {
      const event = was === 'lost' ? 'gpu-back' : 'gpu-resumed'
      log.info(event, { gpu, name })
      events.emit(event, { gpu })
    } else {
      log.warn(`gpu-${now.kind}`, { gpu, name, reason: now.reason })
      events.emit(`gpu-${now.kind}`, { gpu, reason: now.reason })
      await dropQuotes(book, ({ terms }) => terms.devices.includes(gpu))
    }
  }

  /** One round after the other: a change of the limits may come in the middle of one. */
  function round(samples: () => readonly GpuSample[]): Promise<void> {
    turn = turn.then(async () => {
      try {
        gpus.post(await judge(samples()))
        for (const { sample } of gpus.standings()) gpus.takeIn(sample.gpu)
        for (const standing of gpus.standings()) await settle(standing)
      } catch (error) {
        log.error('gpu-round-failed', error) // the next round sees the same again
      }
    })
    return turn
  }

  async function follow(signal: AbortSignal, onRound: () => void): Promise<void> {
    const { drivers, first } = gpus
    for await (const samples of telemetry({ drivers, first, intervalMs, nowMs, signal })) {
      newest = samples
      await round(() => newest)
      onRound()
    }
  }

  return {
    name: 'watch-gpus',
    async start(signal) {
      gpus.limits.onChange(() => round(() => newest), signal)
      preflight?.onChange(() => round(() => newest), signal)
      // What may not work is barred before anything is offered or proven.
      const first = Promise.withResolvers<void>()
      followed = follow(signal, first.resolve)
      await first.promise
    },
    async stop() {
      const ended = followed
        .then(() => turn)
        .then(() => powerCaps.restore())
        .catch((error: unknown) => log.error('power-limits-not-restored', error))
      await Promise.race([ended, sleep(STOP_MS)])
    },
  }
}
