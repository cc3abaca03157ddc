import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { createLog } from '../log-to-stderr.ts'
import { createNode } from '../node.ts'
import { createOutput } from '../output.ts'
import type { Run } from './command.ts'

/** Runs a node until the first signal; its first line on stdout says that it is ready. */
export const runNode: Run = async ({ config, terminal, signal }) => {
  const { json, logLevel } = config
  const log = createLog({ level: logLevel, json })
  // A promise that nobody awaited (of a library, mostly) is a bug to report, not a reason to drop leases.
  process.on('unhandledRejection', (error) => log.error('unhandled-rejection', error))
  await using node = await createNode(config, { log })
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
  createOutput(terminal, { ...config, quiet: false }).value(ready, () =>
    [
      `${config.roles.join(', ')} ${ready.peerId} on ${parts.core.net.name}`,
      ...addrs.map((addr) => `  listening on ${addr}`),
      ...(control.apiUrl === undefined ? [] : [`  API on ${control.apiUrl}`]),
      '  stop with Ctrl-C',
    ].join('\n'),
  )
  if (!signal.aborted) await once(signal, 'abort')
  return 0
}
