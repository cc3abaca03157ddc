import { codeOf, messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { DevnetProof } from './devnet-proof.ts'
import { dockerAddress } from './docker-address.ts'
import type { Engine } from './engine.ts'
import type { ImageRules } from './image-policy.ts'

export type EngineChoice = 'auto' | 'docker' | 'process'

export interface SelectEngineOptions {
  readonly choice: EngineChoice
  /** Whose containers they are: the node's PeerId. */
  readonly nodeId: string
  /** Where the process engine keeps its leases. */
  readonly stateDir: string
  /** Present on a devnet alone; without it the process engine is out of the question. */
  readonly devnet?: DevnetProof | undefined
  readonly log?: Log
  /** As DockerEngineOptions. */
  readonly unfenced?: boolean | undefined
  readonly runtime?: string | undefined
  readonly images?: ImageRules
  readonly volumesDir?: string | undefined
  /** How long a Docker Engine may take to answer. */
  readonly probeMs?: number
  readonly signal?: AbortSignal
}

const PROBE_MS = 3_000

/**
 * The engine that this node's leases run in. `auto`: Docker where one answers, else, on a devnet, plain processes.
 * ENGINE_ABSENT says why there is none and what to install; BAD_CONFIG_ENGINE when the choice is not allowed here.
 */
export async function selectEngine(options: SelectEngineOptions): Promise<Engine> {
  if (options.choice === 'process') return processEngine(options)
  try {
    return await dockerEngine(options)
  } catch (error) {
    options.signal?.throwIfAborted()
    if (!codeOf(error).startsWith('ENGINE_')) throw error
    if (options.choice === 'auto' && options.devnet !== undefined) {
      options.log?.info('docker-absent', { reason: messageOf(error) })
      return processEngine(options)
    }
    throw absent(error)
  }
}

// Imported when needed: dockerode alone costs a tenth of a second.
async function dockerEngine(options: SelectEngineOptions): Promise<Engine> {
  const { createDockerEngine } = await import('./docker-engine.ts')
  return createDockerEngine({ ...options, probeMs: options.probeMs ?? PROBE_MS })
}

async function processEngine({ devnet, stateDir, log }: SelectEngineOptions): Promise<Engine> {
  if (devnet === undefined) {
    throw new NodeError(
      'BAD_CONFIG_ENGINE',
      'the process engine isolates nothing: it runs on a devnet only',
      {
        next: 'install a Docker Engine and use --engine docker',
      },
    )
  }
  const { createProcessEngine } = await import('./process-engine.ts')
  return createProcessEngine({ proof: devnet, stateDir, ...(log === undefined ? {} : { log }) })
}

/** An engine that answers but may not be used as it is says itself what to do. */
const OWN_WORDS: readonly string[] = ['ENGINE_FIREWALL', 'ENGINE_NETWORK', 'ENGINE_RUNTIME']

function absent(cause: unknown): NodeError {
  if (cause instanceof NodeError && OWN_WORDS.includes(cause.code)) return cause
  const message = `no usable container engine: ${messageOf(cause)}`
  return new NodeError('ENGINE_ABSENT', message, { cause, next: engineRemedy(cause) })
}

/** What a machine's owner does about an engine that cannot be used, by what was tried. */
export function engineRemedy(cause: unknown): string {
  const old = cause instanceof NodeError && cause.code === 'ENGINE_OLD'
  if (old) return 'install Docker 20.10 or newer'
  if (/EACCES/.test(messageOf(cause))) {
    return 'let this user reach Docker (usermod -aG docker USER, then log in anew), or run the node as root'
  }
  const install =
    'Debian: apt-get install docker.io; others: https://docs.docker.com/engine/install'
  return `install and start a Docker Engine (${install}), or point DOCKER_HOST at one (now ${dockerAddress()})`
}
