import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { type Log, silent } from '../log.ts'
import { requireConfined } from './confined.ts'
import { removeNow } from './container-end.ts'
import { probeDiskQuota, quotaBytes } from './disk-quota.ts'
import { freeSpace, spaceFault } from './disk-space.ts'
import { type DockerAddress, dockerAddress, isDockerLocal, USUAL_ENGINE } from './docker-address.ts'
import { askDocker, createDockerClient, dockerClientOf, dockerError } from './docker-client.ts'
import { type DockerContainerParts, dockerContainer } from './docker-container.ts'
import { type DockerFacts, dockerFacts } from './docker-facts.ts'
import { removeSnapshots } from './docker-snapshot.ts'
import { renewDockerTls } from './docker-tls.ts'
import { MIN_DOCKER_API } from './docker-version.ts'
import { createDockerVolumes } from './docker-volumes.ts'
import type { Container, ContainerSpec, Engine } from './engine.ts'
import { createFence, isBridgeHere } from './fence.ts'
import { expiryInName, type HardenedOptions, hardenedSpec, LABEL } from './hardened-spec.ts'
import { createHolderImage } from './holder-image.ts'
import type { ImageRules } from './image-policy.ts'
import { createImages, fullName, removeImage } from './images.ts'
import { bridgeOf, ensureLeaseNetwork, LEASE_BRIDGE, LEASE_NETWORK } from './lease-network.ts'
import { prepareNetworks } from './prepared-network.ts'
import { sharedWork } from './shared-work.ts'
import type { Tool } from './toolbox.ts'
import { createToolboxVolume } from './toolbox-volume.ts'

export interface DockerEngineOptions {
  /** An engine that its owner named; what DOCKER_HOST says without one. */
  readonly address?: DockerAddress | undefined
  /** Whose containers `list` returns: the node's PeerId. */
  readonly nodeId: string
  readonly log?: Log
  /** Lower it where the engine's own limit is lower (a start then fails with "operation not permitted"). */
  readonly maxOpenFiles?: number
  /** How long the engine may take to answer the first question. */
  readonly probeMs?: number
  /** The owner accepts leases that no firewall keeps from this machine and its networks. */
  readonly unfenced?: boolean | undefined
  /** What runs the containers; undefined: runc where there is one, else the engine's default. */
  readonly runtime?: string | undefined
  /** What the owner lets be pulled; anything when absent. */
  readonly images?: ImageRules
  /** Where volumes may lie that this node holds to their size; undefined: they are measured only. */
  readonly volumesDir?: string | undefined
  readonly signal?: AbortSignal
}

/**
 * Connects to the Docker Engine that is named, else that of DOCKER_HOST, and makes ready what holds its tenants.
 * ENGINE_UNKNOWN when none
 * answers, ENGINE_OLD when it is too old, ENGINE_FIREWALL when leases cannot be fenced and the owner did not accept
 * that, ENGINE_RUNTIME when it lacks the runtime.
 */
export async function createDockerEngine(options: DockerEngineOptions): Promise<Engine> {
  const { nodeId, log = silent, maxOpenFiles = 16_384, probeMs = 5_000, signal } = options
  const place = placeOf(options.address)
  const { url, bridge, isRemote } = place
  const docker = await clientOf(options.address)
  const facts = await dockerFacts(probeMs, signal, docker)
  requireRecent(facts)
  const runtime = chooseRuntime(facts.runtimes, options.runtime)
  const lifetime = new AbortController()
  // Each time: an owner who clears up his engine removes what no container uses.
  const network = sharedWork(() => ensureLeaseNetwork(docker, bridge))
  const fence = createFence({
    log,
    unfenced: options.unfenced === true,
    url: options.address?.url,
    bridge,
  })
  await network()
  await fence.ensure()
  const isNear = await isDialled(place, options.address)
  // A path of another machine says nothing of this one's disk.
  const checkDisk = async () => (isRemote ? undefined : spaceFault(await freeSpace(facts.dataRoot)))
  const tls = options.address?.tls
  const stillAnswers = async () => {
    if (tls !== undefined) await renewDockerTls(docker, tls, log)
    await askDocker('answer', () => docker.ping(), { signal: lifetime.signal, timeoutMs: probeMs })
  }
  // Programs of this machine run on processors of its kind alone.
  const hasTools = !isRemote || facts.cpuArch === process.arch
  const images = createImages(docker, lifetime.signal, {
    checkDisk,
    ...(options.images === undefined ? {} : { rules: options.images }),
  })
  const holderImage = hasTools ? createHolderImage(docker) : async () => undefined
  const { storageDriver } = facts
  const quota = await probeDiskQuota({ docker, storageDriver, helperImage: holderImage })
  if (!quota.held) log.info('no-disk-quota', { storageDriver, reason: quota.why })
  const diskQuota = quota.held
  const left = await removeSnapshots(docker, nodeId)
  if (left > 0) log.info('snapshots-removed', { count: left })
  // From here on nothing throws: what is prepared in the background ends with `close`.
  const prepared = prepareNetworks({ docker, nodeId, log, ensureNetwork: network, holderImage })
  const volumes = createDockerVolumes({ docker, nodeId, log, folder: volumesIn(options), url })
  const toolbox = createToolboxVolume({ docker, nodeId, log, helperImage: holderImage })

  /** What has to be known of an image before a container is made of it. */
  async function ofImage({ image, diskMiB }: ContainerSpec) {
    const { Size, Config } = await askDocker(`look at image ${image}`, () =>
      docker.getImage(fullName(image)).inspect(),
    )
    return {
      imageVolumes: Object.keys(Config?.Volumes ?? {}),
      ...(diskQuota && diskMiB !== undefined
        ? { diskBytes: quotaBytes(diskMiB, facts.storageDriver, Size) }
        : {}),
    }
  }

  return {
    kind: 'docker',
    label: `docker ${facts.version.split('+')[0]}`,
    get isolation() {
      const held = { runtime: runtime ?? 'default', fenced: fence.stands, diskQuota }
      return isRemote ? { ...held, remote: true as const } : held
    },
    facts,
    async check() {
      try {
        await stillAnswers()
        await fence.ensure()
        return await checkDisk()
      } catch (error) {
        return error instanceof NodeError ? error : dockerError('look at what holds leases', error)
      }
    },
    checkImage: (image) => images.check(image),
    ensureImage: (image, imageOptions) => images.ensure(image, imageOptions),
    async create(spec) {
      const networkId = await network()
      const [found, tooled] = await Promise.all([
        ofImage(spec),
        toolbox.volume(),
        fence.ensure(),
        refuseSecond(docker, spec.leaseId),
      ])
      const holder = await prepared.take(networkId)
      const wanted = hardenedSpec(
        { ...spec, image: fullName(spec.image) },
        {
          nodeId,
          network: LEASE_NETWORK,
          holder,
          toolbox: tooled,
          maxOpenFiles,
          runtime,
          gpus: facts.gpus,
          ...found,
        },
      )
      const id = await createOrRelease({ docker, log }, wanted, holder)
      // Its name goes, so that nobody else can use what only this renter's login could fetch.
      if (spec.privateImage === true) await removeImage(docker, fullName(spec.image))
      return dockerContainer({ ...factsOf(wanted.Labels ?? {}), docker, id, isNear, log })
    },
    volumes,
    list: () => listContainers({ docker, nodeId, isNear, log }),
    async close() {
      lifetime.abort()
      await Promise.all([prepared.close(), toolbox.settled(), volumes.close()])
    },
  }
}

/** Where an engine is, and what follows from that. */
interface Place {
  readonly url: string
  readonly bridge: string
  /** Told of engines alone whose owner named them: DOCKER_HOST may be a way to this machine's own. */
  readonly isRemote: boolean
}

const placeOf = (address: DockerAddress | undefined): Place =>
  address === undefined
    ? { url: dockerAddress(), bridge: LEASE_BRIDGE, isRemote: false }
    : {
        url: address.url,
        bridge: bridgeOf(address.url),
        isRemote: !isDockerLocal(address.url),
      }

const clientOf = async (address: DockerAddress | undefined): Promise<Docker> =>
  address === undefined ? createDockerClient() : dockerClientOf(address)

/** The address of a container of an engine in another network could be that of a container of somebody else here. */
const isDialled = async ({ url, bridge }: Place, address: DockerAddress | undefined) =>
  isDockerLocal(url) && (address === undefined || (await isBridgeHere(bridge)))

/** Files of this machine are volumes of the engine that sees them, and of no other. */
const volumesIn = ({ address, volumesDir }: DockerEngineOptions): string | undefined =>
  address === undefined || address.url === USUAL_ENGINE ? volumesDir : undefined

function requireRecent({ recent, version, apiVersion }: DockerFacts): void {
  if (recent) return
  throw new NodeError(
    'ENGINE_OLD',
    `Docker ${version} is too old: API ${apiVersion}, ${MIN_DOCKER_API} is needed`,
    { next: 'install Docker 20.10 or newer' },
  )
}

/**
 * The runtime that leases run in. Named even when it is the usual one: an engine's default may be one that hands out
 * GPUs by what an image says.
 * @throws ENGINE_RUNTIME for one that the engine lacks
 */
export function chooseRuntime(
  runtimes: readonly string[],
  wanted: string | undefined,
): string | undefined {
  if (wanted === undefined) return runtimes.includes('runc') ? 'runc' : undefined
  if (runtimes.includes(wanted)) return wanted
  throw new NodeError(
    'ENGINE_RUNTIME',
    `Docker has no runtime ${wanted}; it has ${runtimes.join(', ')}`,
    { next: 'install it and name it in /etc/docker/daemon.json, or choose another with --runtime' },
  )
}

/** Creates the container; a prepared network that it would have joined does not stay behind when that fails. */
async function createOrRelease(
  { docker, log }: { readonly docker: Docker; readonly log: Log },
  wanted: HardenedOptions,
  holder: string | undefined,
): Promise<string> {
  try {
    requireConfined(wanted)
    const { id } = await askDocker('create a container', (abortSignal) =>
      docker.createContainer({ ...wanted, abortSignal }),
    )
    return id
  } catch (error) {
    if (holder !== undefined) {
      await removeNow(docker.getContainer(holder)).catch(
        (cause) => log.error('network-not-removed', cause), // the next start of this node removes it
      )
    }
    throw error
  }
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

async function listContainers({
  docker,
  nodeId,
  ...more
}: Pick<DockerContainerParts, 'docker' | 'nodeId' | 'isNear' | 'log'>): Promise<Container[]> {
  const found = await listLabelled(docker, [LABEL.lease, `${LABEL.node}=${nodeId}`])
  return found.map(({ Id: id, Labels, Names }) =>
    dockerContainer({ ...factsOf(Labels, Names[0]), docker, id, ...more }),
  )
}

const toolsIn = (label: string | undefined): Tool[] =>
  (['busybox', 'sftp-server'] as const).filter((tool) => label?.split(' ').includes(tool))

/** What a container of ours says of itself, also to a node that was restarted. */
const factsOf = (labels: Readonly<Record<string, string>>, name = '') => ({
  nodeId: labels[LABEL.node] ?? '',
  leaseId: labels[LABEL.lease] ?? '',
  expiresAtMs: expiryInName(name) ?? Number(labels[LABEL.expires] ?? 0),
  idle: labels[LABEL.idle] === '1',
  holder: labels[LABEL.joins],
  tools: toolsIn(labels[LABEL.tools]),
  privateImage: labels[LABEL.privateImage] === '1',
})
