import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { type Log, silent } from '../log.ts'
import { removeNow } from './container-end.ts'
import { dockerAddress, isDockerLocal } from './docker-address.ts'
import { askDocker, createDockerClient } from './docker-client.ts'
import { dockerContainer } from './docker-container.ts'
import type { Container, Engine } from './engine.ts'
import { ensureFirewall } from './firewall.ts'
import { expiryInName, type HardenedOptions, hardenedSpec, LABEL } from './hardened-spec.ts'
import { createHolderImage } from './holder-image.ts'
import { createImages } from './images.ts'
import { ensureLeaseNetwork, LEASE_BRIDGE, LEASE_NETWORK } from './lease-network.ts'
import { prepareNetworks } from './prepared-network.ts'
import type { Tool } from './toolbox.ts'
import { createToolboxVolume } from './toolbox-volume.ts'

export interface DockerEngineOptions {
  /** Whose containers `list` returns: the node's PeerId. */
  readonly nodeId: string
  readonly log?: Log
  /** Lower it where the engine's own limit is lower (a start then fails with "operation not permitted"). */
  readonly maxOpenFiles?: number
  /** How long the engine may take to answer the first question. */
  readonly probeMs?: number
  readonly signal?: AbortSignal
}

/** The oldest API with GPU requests and private control groups: Docker 20.10. */
export const MIN_DOCKER_API = '1.41'

/** Connects to the Docker Engine of DOCKER_HOST. ENGINE_UNKNOWN when none answers, ENGINE_OLD when it is too old. */
export async function createDockerEngine(options: DockerEngineOptions): Promise<Engine> {
  const { nodeId, log = silent, maxOpenFiles = 16_384, probeMs = 5_000, signal } = options
  const docker = createDockerClient()
  const version = await askDocker('tell its version', () => docker.version(), {
    signal,
    timeoutMs: probeMs,
  })
  if (compareVersions(version.ApiVersion, MIN_DOCKER_API) < 0) {
    throw new NodeError(
      'ENGINE_OLD',
      `Docker ${version.Version} is too old: API ${version.ApiVersion}, ${MIN_DOCKER_API} is needed`,
      {
        next: 'install Docker 20.10 or newer',
      },
    )
  }
  const lifetime = new AbortController()
  const images = createImages(docker, lifetime.signal)
  const network = retriedOnce(() => ensureLeaseNetwork(docker))
  const fence = createFence(log)
  const holderImage = createHolderImage(docker)
  const prepared = prepareNetworks({ docker, nodeId, log, ensureNetwork: network, holderImage })
  const toolboxVolume = createToolboxVolume({ docker, nodeId, log, helperImage: holderImage })
  return {
    kind: 'docker',
    label: `docker ${version.Version.split('+')[0]}`,
    ensureImage: (image, imageOptions) => images.ensure(image, imageOptions),
    async create(spec) {
      await network()
      const [toolbox] = await Promise.all([
        toolboxVolume(),
        fence(),
        refuseSecond(docker, spec.leaseId),
      ])
      const holder = await prepared.take()
      const hardening = { nodeId, network: LEASE_NETWORK, holder, toolbox, maxOpenFiles }
      const wanted = hardenedSpec(spec, hardening)
      const id = await createOrRelease(docker, wanted, holder)
      const { leaseId, expiresAtMs } = spec
      const idle = spec.command === undefined
      const tools = toolbox?.tools ?? []
      return dockerContainer({ docker, id, leaseId, expiresAtMs, idle, holder, tools, log })
    },
    list: () => listContainers(docker, nodeId, log),
    async close() {
      lifetime.abort()
      await Promise.all([prepared.close(), toolboxVolume()])
    },
  }
}

/** Creates the container; a prepared network that it would have joined does not stay behind when that fails. */
async function createOrRelease(
  docker: Docker,
  wanted: HardenedOptions,
  holder: string | undefined,
): Promise<string> {
  try {
    const { id } = await askDocker('create a container', (abortSignal) =>
      docker.createContainer({ ...wanted, abortSignal }),
    )
    return id
  } catch (error) {
    if (holder !== undefined) await removeNow(docker.getContainer(holder))
    throw error
  }
}

/** Other programs may flush the rules at any time, so they are set anew now and then. */
const FENCE_EVERY_MS = 60_000

/**
 * Sets the firewall before a lease starts. Where it cannot be set the provider is warned: it may be fenced by other
 * means, which this program cannot see.
 */
function createFence(log: Log): () => Promise<void> {
  let atMs = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - atMs < FENCE_EVERY_MS) return
    try {
      requireLocalEngine()
      await ensureFirewall(LEASE_BRIDGE)
      atMs = performance.now()
    } catch (error) {
      log.error('leases-not-fenced', error)
    }
  }
}

function requireLocalEngine(): void {
  if (isDockerLocal()) return
  throw new NodeError('ENGINE_FIREWALL', `leases run on another machine (${dockerAddress()})`, {
    next: 'run the miner where the Docker Engine runs, or fence its bridge cn-leases0 there',
  })
}

async function refuseSecond(docker: Docker, leaseId: string): Promise<void> {
  const found = await listLabelled(docker, [`${LABEL.lease}=${leaseId}`])
  if (found.length === 0) return
  throw new NodeError('ENGINE_CONFLICT', `lease ${leaseId} has a container already`, {
    next: 'adopt it (list) or remove it',
  })
}

const listLabelled = (docker: Docker, label: readonly string[]) =>
  askDocker('list the containers', (abortSignal) =>
    docker.listContainers({ all: true, filters: { label: [...label] }, abortSignal }),
  )

async function listContainers(docker: Docker, nodeId: string, log: Log): Promise<Container[]> {
  const found = await listLabelled(docker, [LABEL.lease, `${LABEL.node}=${nodeId}`])
  return found.map(({ Id: id, Labels, Names }) =>
    dockerContainer({
      docker,
      id,
      leaseId: Labels[LABEL.lease] ?? '',
      expiresAtMs: expiryInName(Names[0] ?? '') ?? Number(Labels[LABEL.expires] ?? 0),
      idle: Labels[LABEL.idle] === '1',
      holder: Labels[LABEL.joins],
      tools: toolsIn(Labels[LABEL.tools]),
      log,
    }),
  )
}

const toolsIn = (label: string | undefined): Tool[] =>
  (['busybox', 'sftp-server'] as const).filter((tool) => label?.split(' ').includes(tool))

/** Runs `work` at most once as long as it succeeds; a failure is told to the caller and tried again at the next call. */
function retriedOnce(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return async () => {
    done ??= work()
    try {
      await done
    } catch (error) {
      done = undefined
      throw error
    }
  }
}

/** Negative when `a` is the older of two dotted versions. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
