import { dockerClientOf } from '../../containers/docker-client.ts'
import { type DockerFacts, dockerFacts } from '../../containers/docker-facts.ts'
import { NodeError } from '../../errors.ts'
import type { EngineConfig } from '../engine-options.ts'
import { type Finding, finding } from './finding.ts'

const TIMEOUT_MS = 5_000

/** An engine that its owner named, and what it says of itself, or why it does not. */
export interface AskedEngine {
  readonly engine: EngineConfig
  readonly facts: DockerFacts | NodeError
}

/** Asks all at once. */
export const askNamed = (
  engines: readonly EngineConfig[],
  signal: AbortSignal | undefined,
): Promise<AskedEngine[]> =>
  Promise.all(engines.map(async (engine) => ({ engine, facts: await factsOf(engine, signal) })))

async function factsOf(
  { url, tls }: EngineConfig,
  signal: AbortSignal | undefined,
): Promise<DockerFacts | NodeError> {
  try {
    return await dockerFacts(TIMEOUT_MS, signal, await dockerClientOf({ url, tls }))
  } catch (error) {
    if (error instanceof NodeError) return error
    throw error
  }
}

/** What `doctor` says of one: where it is, what it is, its GPUs, and how it stands. */
export function namedFinding({ engine, facts }: AskedEngine, required: boolean): Finding {
  const { name, url, tls, gpus, fencedByOwner } = engine
  const devices = gpus === 'all' ? 'all GPUs here' : gpus.map(({ uuid }) => uuid).join(' ')
  const about = [devices || 'no GPUs', ...(tls === undefined ? [] : ['not proven'])]
  const wanted = 'Docker 20.10 or newer, for leases'
  if (facts instanceof Error) {
    const remedy = facts.next ?? 'start it, or correct its address in "engines"'
    const actual = `${url}, ${about.join(', ')}: away: ${facts.message}`
    return finding(`engine ${name}`, false, { required, actual, wanted, remedy })
  }
  const said = `Docker ${facts.version}, runtimes ${facts.runtimes.join(' ')}`
  const lacks = [
    ...(facts.recent ? [] : ['too old']),
    ...facts.unlimited.map((limit) => `without limits of ${limit}`),
    ...(tls === undefined || fencedByOwner ? [] : ['nothing fences its leases']),
    ...(gpus !== 'all' && gpus.length > 0 && facts.gpus === undefined ? ['hands out no GPU'] : []),
  ]
  return finding(`engine ${name}`, lacks.length === 0, {
    required,
    actual: `${url}, ${said}, ${about.join(', ')}: ${lacks.length === 0 ? 'answers' : lacks.join(', ')}`,
    wanted,
    remedy:
      'see docs/containers.md, "Several engines": what an engine elsewhere takes, "fencedByOwner" among it',
  })
}
