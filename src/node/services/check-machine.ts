import { every } from '../../clock.ts'
import { minutesMs } from '../../units.ts'
import type { Core } from '../core.ts'
import type { MinerChecks } from '../miner-checks.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Pick<Core, 'log'>
  readonly minerChecks: MinerChecks
}

/** What lacked at the start may be mended, and what was there may go. */
const AGAIN_MS = minutesMs(10)

/**
 * Looks at what a miner needs besides its devices before anything is announced: what it cannot do without ends the
 * start, all else is told, and looked at again while it runs.
 */
export function checkMachine({ core, minerChecks }: Parts): Service {
  const { log } = core
  return {
    name: 'check-machine',
    async start(signal) {
      await minerChecks.look(signal)
      const fatal = minerChecks.fatal()
      if (fatal !== undefined) throw fatal
      let isFirst = true
      void every(AGAIN_MS, { signal, log, name: 'check-machine' }, async () => {
        if (!isFirst) await minerChecks.look(signal)
        isFirst = false
      })
    },
  }
}
