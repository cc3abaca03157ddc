import { sleep } from '../../clock.ts'
import type { Config } from '../config.ts'
import { createLog } from '../log-to-stderr.ts'

/**
 * Starts a renter in this process, which asks the DHT without serving it, and resolves once it has listened for offers
 * for `gatherMs`. It ends when disposed; `signal` ends the wait.
 * @throws BAD_CONFIG_LOCKED when another process holds the data folder
 */
export async function startRenter(config: Config, signal: AbortSignal): Promise<AsyncDisposable> {
  signal.throwIfAborted()
  const { createNode } = await import('../node.ts')
  const log = createLog({ level: config.logLevel, json: config.json })
  const renter = { ...config, roles: ['renter'] as const, listen: [] }
  await using stack = new AsyncDisposableStack()
  stack.use(await createNode(renter, { log, ephemeral: true }))
  if (config.bootstrap.length > 0) await sleep(config.gatherMs, signal)
  return stack.move()
}
