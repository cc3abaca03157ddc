import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { askDocker, isGone } from './docker-client.ts'

/** The bridge that every lease of this machine hangs on. */
export const LEASE_NETWORK = 'cn-leases'
/** Its interface on the host, which firewall rules name. */
export const LEASE_BRIDGE = 'cn-leases0'

/**
 * Makes the leases' network unless it is there, and tells its id: containers on it cannot talk to each other, and publish
 * nothing.
 */
export async function ensureLeaseNetwork(docker: Docker): Promise<string> {
  const there = await idOf(docker)
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
          'com.docker.network.bridge.name': LEASE_BRIDGE,
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
    const other = error instanceof NodeError ? await idOf(docker) : undefined
    if (other === undefined) throw error
    return other
  }
}

async function idOf(docker: Docker): Promise<string | undefined> {
  try {
    const { Id } = await askDocker('look at the network', () =>
      docker.getNetwork(LEASE_NETWORK).inspect(),
    )
    return Id as string
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}
