import { every } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import { dropQuotes } from '../leases/host-answers.ts'
import type { HostBook } from '../leases/host-book.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Pick<Core, 'log' | 'events'>
  readonly hosting: HostBook
}

/** How soon a firewall that somebody flushed is back. */
const EVERY_MS = secondsMs(10)

/**
 * Looks after what holds this machine's tenants. While that cannot be set right, or the engine's disk is nearly full,
 * nothing is offered and no lease begins; those that run go on, and so do proofs.
 */
export function watchEngine({ core, hosting: book }: Parts): Service {
  const { engine, capacity } = book
  const log = core.log.child('watch-engine')
  let before: string | undefined

  async function look(): Promise<void> {
    if (engine instanceof NodeError) return
    const fault = await engine.check()
    const reason = fault?.message
    capacity.shut(reason)
    if (reason === before) return
    before = reason
    if (fault === undefined) {
      log.info('hosting-resumed')
      core.events.emit('hosting-resumed')
    } else {
      log.error('hosting-paused', fault)
      core.events.emit('hosting-paused', { code: fault.code, reason: fault.message })
      await dropQuotes(book, () => true)
    }
  }

  return {
    name: 'watch-engine',
    async start(signal) {
      await look()
      void every(EVERY_MS, { signal, log, name: 'watch-engine' }, look)
    },
  }
}
