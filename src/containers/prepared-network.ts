import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { sleep } from '../clock.ts'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { MiB } from '../units.ts'
import { removeNow } from './container-end.ts'
import { askDocker } from './docker-client.ts'
import { type HardenedOptions, HOSTNAME, LABEL, RESOLVERS } from './hardened-spec.ts'
import { LEASE_NETWORK } from './lease-network.ts'

/**
 * Setting up its network is two thirds of the time that a container's start takes (282 ms against 89 ms measured). So
 * one network is kept ready: by a container that does nothing but hold it, which the next lease joins. Where none is
 * ready, a lease sets up its own.
 */
export interface PreparedNetworks {
  /** The id of a holder on the network of that id; it belongs to the caller from now on, who removes it. */
  take(networkId: string): Promise<string | undefined>
  /** Removes what nobody took. */
  close(): Promise<void>
}

/** The next one is prepared when the lease that took the last has had time to start. */
const REFILL_AFTER_MS = 250
const TRY_AGAIN_MS = [500, 2000, 5000]

export interface PreparedNetworksOptions {
  readonly docker: Docker
  readonly nodeId: string
  readonly log: Log
  /** Makes sure of the network that they are on. */
  readonly ensureNetwork: () => Promise<string>
  /** The image of what holds one; undefined where there can be none. */
  readonly holderImage: () => Promise<string | undefined>
}

/** Starts to prepare at once, in the background; removes first what a former run of this node left. */
export function prepareNetworks(options: PreparedNetworksOptions): PreparedNetworks {
  const { docker, nodeId, log, ensureNetwork, holderImage } = options
  const lifetime = new AbortController()
  let ready: Promise<string | undefined> = prepare(async () => {
    await ensureNetwork()
    await sweep(docker, nodeId)
    return startHolder(docker, nodeId, await holderImage())
  })

  /** Tries again a few times: engines refuse now and then while much else starts on them. */
  async function prepare(work: () => Promise<string | undefined>): Promise<string | undefined> {
    for (const pauseMs of TRY_AGAIN_MS) {
      try {
        return await work()
      } catch (error) {
        if (lifetime.signal.aborted) return undefined
        log.debug('network-not-prepared', { reason: messageOf(error), pauseMs })
      }
      await attempt(() => sleep(pauseMs, lifetime.signal).then(() => undefined))
    }
    return attempt(work)
  }

  /** A network that cannot be prepared costs a lease time, nothing else. */
  async function attempt(work: () => Promise<string | undefined>): Promise<string | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!lifetime.signal.aborted) log.debug('network-not-prepared', { reason: messageOf(error) })
      return undefined
    }
  }

  return {
    async take(networkId) {
      const taken = await ifSettled(ready)
      if (taken === PENDING) return undefined
      ready = prepare(async () => {
        await sleep(REFILL_AFTER_MS, lifetime.signal)
        await ensureNetwork()
        return startHolder(docker, nodeId, await holderImage())
      })
      return taken === undefined ? undefined : attempt(() => ifGood(docker, taken, networkId))
    },
    async close() {
      lifetime.abort()
      await ready
      try {
        await sweep(docker, nodeId)
      } catch (error) {
        log.error('network-not-removed', error) // the next start of this node removes it
      }
    },
  }
}

const PENDING = 'pending'

/** Not waited for: a lease is quicker with a network of its own than with one that is half done. */
const ifSettled = <T>(promise: Promise<T>): Promise<T | typeof PENDING> => {
  const pending = Promise.resolve().then((): typeof PENDING => PENDING)
  return Promise.race<T | typeof PENDING>([promise, pending])
}

/** The holder's id, unless somebody stopped it or took its network away. */
async function ifGood(docker: Docker, id: string, networkId: string): Promise<string | undefined> {
  const holder = docker.getContainer(id)
  const { State, NetworkSettings } = await askDocker('look at a prepared network', (abortSignal) =>
    holder.inspect({ abortSignal }),
  )
  const { NetworkID } = NetworkSettings.Networks[LEASE_NETWORK] ?? {}
  if (State.Running && NetworkID === networkId) return id
  await removeNow(holder)
  return undefined
}

async function startHolder(
  docker: Docker,
  nodeId: string,
  image: string | undefined,
): Promise<string | undefined> {
  if (image === undefined) return undefined
  const holder = await askDocker('prepare a network', (abortSignal) =>
    docker.createContainer({ ...holderSpec(nodeId, image), abortSignal }),
  )
  try {
    await askDocker('prepare a network', (abortSignal) => holder.start({ abortSignal }))
  } catch (error) {
    await removeNow(holder)
    throw error
  }
  return holder.id
}

/** It may do nothing, and does nothing. */
export const holderSpec = (nodeId: string, image: string): HardenedOptions => ({
  name: `cn-network-${randomBytes(6).toString('hex')}`,
  Image: image,
  Cmd: ['/bin/busybox', 'sleep', '2147483647'],
  Hostname: HOSTNAME,
  User: '65534:65534',
  Labels: { [LABEL.managed]: '1', [LABEL.node]: nodeId, [LABEL.holder]: '1' },
  HostConfig: {
    NetworkMode: LEASE_NETWORK,
    Dns: [...RESOLVERS],
    RestartPolicy: { Name: 'no' },
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    ReadonlyRootfs: true,
    IpcMode: 'private',
    CgroupnsMode: 'private',
    PidsLimit: 4,
    Memory: 16 * MiB,
    MemorySwap: 16 * MiB,
    LogConfig: { Type: 'none', Config: {} },
  },
})

/** Removes this node's holders that no lease joins, also those of a former run that was killed. */
async function sweep(docker: Docker, nodeId: string): Promise<void> {
  const list = (label: string) =>
    askDocker('list the containers', (abortSignal) =>
      docker.listContainers({
        all: true,
        filters: { label: [`${LABEL.node}=${nodeId}`, label] },
        abortSignal,
      }),
    )
  const [holders, leases] = await Promise.all([list(`${LABEL.holder}=1`), list(LABEL.joins)])
  const joined = new Set(leases.map(({ Labels }) => Labels[LABEL.joins]))
  for (const { Id } of holders) if (!joined.has(Id)) await removeNow(docker.getContainer(Id))
}
