import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import type { Log } from '../../log.ts'
import { createLog } from '../log-to-stderr.ts'
import { createNode } from '../node.ts'
import { createOutput } from '../output.ts'
import type { Parts } from '../parts.ts'
import { freeYoungGeneration } from '../young-generation.ts'
import type { CommandContext, Run } from './command.ts'
import { tellStart } from './tell-start.ts'
import { leasesAtStop, warnOfLeases } from './warn-of-leases.ts'

/** Runs a node until the first signal; its first line on stdout says that it is ready. */
export const runNode: Run = async (context) => {
  const { config, terminal, signal } = context
  const { json, logLevel } = config
  const log = createLog({ level: logLevel, json })
  // A promise that nobody awaited (of a library, mostly) is a bug to report, not a reason to drop leases.
  process.on('unhandledRejection', (error) => log.error('unhandled-rejection', error))
  // A validator carries no bytes of leases, and scores a whole network of long-lived objects: bounded, that takes half
  // as long again.
  if (config.roles.includes('validator')) freeYoungGeneration()
  const output = createOutput(terminal, { ...config, quiet: false })
  using teller = tellStart(createOutput(terminal, config))
  await using node = await createNode(config, { log, onStep: teller.step })
  teller[Symbol.dispose]()
  const { control, addrs, parts } = node
  const ready = {
    event: 'ready',
    peerId: parts.core.peerId,
    addrs,
    control: control.socketPath,
    ...(control.apiUrl === undefined ? {} : { api: control.apiUrl }),
  }
  // Others often start once this one is ready: a devnet's nodes find everything compiled.
  flushCompileCache()
  output.value(ready, () =>
    [
      `${config.roles.join(', ')} ${ready.peerId} on ${parts.core.net.name}`,
      ...addrs.map((addr) => `  listening on ${addr}`),
      ...(control.apiUrl === undefined ? [] : [`  API on ${control.apiUrl}`]),
      '  stop with Ctrl-C',
    ].join('\n'),
  )
  warnAtStop(context, log, parts)
  if (!signal.aborted) await once(signal, 'abort')
  return 0
}

/** A miner's end concerns its tenants: whoever presses Ctrl-C is told first, and what else ends it is logged. */
function warnAtStop({ terminal, signal, warnFirst }: CommandContext, log: Log, parts: Parts): void {
  const { hosting } = parts
  if (hosting === undefined) return
  const { stdin, stderr } = terminal
  if (stdin.isTTY === true && stderr.isTTY === true) {
    warnFirst?.(() => warnOfLeases(hosting, stderr))
  }
  signal.addEventListener(
    'abort',
    () => {
      const leases = leasesAtStop(hosting)
      if (leases !== undefined) log.warn('stops-with-leases', { leases })
    },
    { once: true },
  )
}
