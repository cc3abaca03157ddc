import { every, sleep } from '../../clock.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { OwnGpus } from '../own-gpus.ts'
import type { Preflight } from '../preflight.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Pick<Core, 'log'>
  readonly gpus: Pick<OwnGpus, 'standings'>
  readonly preflight: Preflight
}

/** How often it is looked for devices that came back, or may be tried again. */
const LOOK_MS = secondsMs(1)
/** A start waits so long for the first checks: a driver that compiles kernels takes longer, and the node goes on. */
const START_MS = secondsMs(15)

/** Checks each device before it is announced, all at once, and those that were lost when they are back. */
export function preflightGpus({ core, gpus, preflight }: Parts): Service {
  return {
    name: 'preflight-gpus',
    async start(signal) {
      const look = (): Promise<void> => preflight.look(gpus.standings())
      await Promise.race([look(), sleep(START_MS)])
      // Not waited for: a device that is checked keeps no other from being looked at.
      const again = (): void => void look()
      void every(LOOK_MS, { signal, log: core.log, name: 'preflight-gpus' }, again)
    },
  }
}
