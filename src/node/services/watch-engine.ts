import { every } from '../../clock.ts'
import { NodeError } from '../../errors.ts'
import { secondsMs } from '../../units.ts'
import type { Core } from '../core.ts'
import { dropQuotes } from '../leases/host-answers.ts'
import { type HostBook, hostOf } from '../leases/host-book.ts'
import type { HostEngine } from '../leases/host-engines.ts'
import type { Service } from '../service.ts'

interface Parts {
  readonly core: Pick<Core, 'log' | 'events'>
  readonly hosting: HostBook
}

/** How soon a firewall that somebody flushed is back, and an engine that went away is noticed. */
const EVERY_MS = secondsMs(10)

/**
 * Looks after what holds this machine's tenants, on each engine by itself. While that cannot be set right, the engine
 * does not answer, or its disk is nearly full, nothing of it is offered and no lease begins there; those that run go on,
 * and so do proofs.
 */
export function watchEngine({ core, hosting: book }: Parts): Service {
  const log = core.log.child('watch-engine')

  async function look(host: HostEngine): Promise<void> {
    const { engine, name } = host
    if (engine instanceof NodeError) return
    const before = book.engineFaults.get(name)
    const fault = faultOf(host, await engine.check())
    if (fault === undefined) book.engineFaults.delete(name)
    else book.engineFaults.set(name, fault)
    book.capacity.shut(fault?.message, name)
    if (fault?.message !== before?.message) await tell(host, before, fault)
  }

  async function tell(
    host: HostEngine,
    before: NodeError | undefined,
    fault: NodeError | undefined,
  ): Promise<void> {
    const named = host.name === undefined ? {} : { engine: host.name }
    if (fault === undefined) {
      const event = isAway(before) ? 'engine-back' : 'hosting-resumed'
      log.info(event, named)
      core.events.emit(event, named)
      return
    }
    const event = isAway(fault) ? 'engine-away' : 'hosting-paused'
    log.error(event, fault, named)
    core.events.emit(event, { ...named, code: fault.code, reason: fault.message })
    await dropQuotes(book, ({ lease }) => hostOf(book, lease) === host)
  }

  return {
    name: 'watch-engine',
    async start(signal) {
      const { all } = book.engines
      await Promise.all(all.map(look))
      for (const host of all) {
        void every(EVERY_MS, { signal, log, name: 'watch-engine' }, () => look(host))
      }
    },
  }
}

/** What runs on an engine that does not answer is unknown, not failed. */
const isAway = (fault: NodeError | undefined): boolean => fault?.code === 'ENGINE_UNKNOWN'

/** How exactly it does not answer changes from look to look, and nothing follows from that. */
const faultOf = ({ name }: HostEngine, fault: NodeError | undefined): NodeError | undefined =>
  fault === undefined || !isAway(fault)
    ? fault
    : new NodeError(
        fault.code,
        `its engine${name === undefined ? '' : ` ${name}`} does not answer`,
        {
          cause: fault,
          ...(fault.next === undefined ? {} : { next: fault.next }),
        },
      )
