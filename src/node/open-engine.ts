import { join } from 'node:path'
import type { Engine } from '../containers/engine.ts'
import { createLateEngine } from '../containers/late-engine.ts'
import { type SelectEngineOptions, selectEngine } from '../containers/select-engine.ts'
import { NodeError } from '../errors.ts'
import type { Core } from './core.ts'
import type { EngineConfig } from './engine-options.ts'

/** What an engine of this node is opened with. */
export interface EngineNeeds {
  readonly core: Core
  /** The genesis that an embedded development chain states; undefined elsewhere. */
  readonly embeddedGenesis?: Uint8Array | undefined
}

/** The engine, or the error that says why there is none: such a miner refuses leases and still proves its GPUs. */
export async function findEngine(needs: EngineNeeds): Promise<Engine | NodeError> {
  const { core, embeddedGenesis } = needs
  const { config, net, log } = core
  const devnet =
    embeddedGenesis === undefined
      ? undefined
      : {
          network: net.network,
          genesis: net.genesis,
          embeddedGenesis,
          listen: config.listen,
          admittedPeerIds: config.peers,
        }
  try {
    return await selectEngine({
      ...commonOptions(needs),
      choice: config.engine,
      stateDir: join(config.dataDir, 'processes'),
      devnet,
      log: log.child('engine'),
    })
  } catch (error) {
    if (!(error instanceof NodeError) || !error.code.startsWith('ENGINE_')) throw error
    log.warn('no-engine', { reason: error.message, next: error.next })
    return error
  }
}

/** An engine that its owner named; it is opened when it answers, and its runs end with `close`. */
export function nameEngine(needs: EngineNeeds, config: EngineConfig): Engine {
  const { name, url, tls, fencedByOwner } = config
  const common = commonOptions(needs)
  return createLateEngine(async (signal) => {
    const { createDockerEngine } = await import('../containers/docker-engine.ts')
    try {
      return await createDockerEngine({
        ...common,
        address: { url, tls },
        unfenced: common.unfenced || fencedByOwner,
        probeMs: PROBE_MS,
        log: needs.core.log.child(`engine-${name}`),
        signal,
      })
    } catch (error) {
      throw placed(error, config)
    }
  })
}

/** Says where the one is that did not answer. */
const placed = (error: unknown, { name, url }: EngineConfig): unknown =>
  error instanceof NodeError && error.code === 'ENGINE_UNKNOWN'
    ? new NodeError(error.code, error.message, {
        cause: error,
        next: `check that engine ${name} runs at ${url}, and that it takes the certificate in "tls"`,
      })
    : error

/** How long an engine may take to answer the first question. */
const PROBE_MS = 5_000

/** What every engine of this node is opened with. */
function commonOptions({ core, embeddedGenesis }: EngineNeeds) {
  const { config, net, peerId } = core
  return {
    nodeId: peerId,
    volumesDir: join(config.dataDir, 'volumes'),
    // On a devnet only this machine's own nodes rent.
    unfenced: config.unfenced || embeddedGenesis !== undefined,
    runtime: config.runtime,
    images: {
      allow: config.allowImages,
      deny: config.denyImages,
      maxBytes: config.maxImageBytes,
      trustLocal: net.network === 'local',
    },
  } satisfies Partial<SelectEngineOptions>
}
