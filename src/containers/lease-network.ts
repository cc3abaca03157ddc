import { hash } from 'node:crypto'
import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { USUAL_ENGINE } from './docker-address.ts'
import { askDocker, isGone } from './docker-client.ts'

/** The bridge that every lease of this machine hangs on. */
export const LEASE_NETWORK = 'cn-leases'
/** Its interface on the host, which firewall rules name. */
export const LEASE_BRIDGE = 'cn-leases0'

/**
 * The interface of an engine that its owner named. Each has a name of its own, so that one can be told from another: an
 * interface of that name in this machine's network is that engine's and nobody else's.
 */
export const bridgeOf = (url: string): string =>
  url === USUAL_ENGINE ? LEASE_BRIDGE : `cn-e${hash('sha256', url).slice(0, 8)}`

/**
 * Makes the leases' network unless it is there, and tells its id: containers on it cannot talk to each other, and publish
 * nothing.
 * @throws ENGINE_NETWORK where it is there with another bridge
 */
export async function ensureLeaseNetwork(docker: Docker, bridge = LEASE_BRIDGE): Promise<string> {
  const there = await idOf(docker, bridge)
  if (there !== undefined) return there
  try {
    const made = await askDocker('create the network', (abortSignal) =>
      docker.createNetwork({
        Name: LEASE_NETWORK,
        CheckDuplicate: true,
        Driver: 'bridge',
        EnableIPv6: false,
        Labels: { 'cn.managed': '1' },
        Options: {
          'com.docker.network.bridge.name': bridge,
          'com.docker.network.bridge.enable_icc': 'false',
          'com.docker.network.bridge.enable_ip_masquerade': 'true',
          'com.docker.network.bridge.host_binding_ipv4': '127.0.0.1',
        },
        abortSignal,
      }),
    )
    return made.id
  } catch (error) {
    // Another node of this machine may have made it in between.
    const other = error instanceof NodeError ? await idOf(docker, bridge) : undefined
    if (other === undefined) throw error
    return other
  }
}

async function idOf(docker: Docker, bridge: string): Promise<string | undefined> {
  try {
    const { Id, Options } = (await askDocker('look at the network', () =>
      docker.getNetwork(LEASE_NETWORK).inspect(),
    )) as { Id: string; Options?: Readonly<Record<string, string>> | null }
    const found = Options?.['com.docker.network.bridge.name']
    if (found === bridge) return Id
    throw new NodeError(
      'ENGINE_NETWORK',
      `the bridge of ${LEASE_NETWORK} is ${found}, not ${bridge}`,
      {
        next: `it was made under another address of this engine: when no lease uses it, docker network rm ${LEASE_NETWORK}`,
      },
    )
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
