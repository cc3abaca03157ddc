import { NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { dockerAddress, isDockerLocal } from './docker-address.ts'
import { createFirewall, type Firewall } from './firewall.ts'
import { type HostNetwork, hostNetwork } from './host-network.ts'
import { LEASE_BRIDGE } from './lease-network.ts'

/** Whether leases are kept away from this machine and its networks. */
export interface Fence {
  /** What the last look found. */
  readonly stands: boolean
  /**
   * Looks, and restores what somebody undid. ENGINE_FIREWALL when it cannot be set and the owner did not accept that.
   */
  ensure(): Promise<void>
}

export interface FenceOptions {
  readonly log: Log
  /** The owner says that leases run here although this program cannot fence them. */
  readonly unfenced: boolean
  /** Where an engine is that its owner named, and its bridge; that of DOCKER_HOST without. */
  readonly url?: string | undefined
  readonly bridge?: string | undefined
  readonly firewall?: Firewall
}

/** The fence of the leases' bridge. Nothing is set before the first `ensure`. */
export function createFence({
  log,
  unfenced,
  url,
  bridge = LEASE_BRIDGE,
  firewall = createFirewall(bridge),
}: FenceOptions): Fence {
  let stands = false
  let told = false
  return {
    get stands() {
      return stands
    },
    async ensure() {
      try {
        requireLocalEngine(url ?? dockerAddress(), bridge)
        // Rules on a bridge that is not here keep nobody in.
        if (url !== undefined && !(await isBridgeHere(bridge))) throw elsewhere(url, bridge)
        const found = await firewall.ensure()
        if (found === 'restored') log.warn('fence-restored', { bridge })
        stands = true
      } catch (error) {
        stands = false
        if (!unfenced) throw error
        if (!told) log.error('leases-not-fenced', error)
        told = true
      }
    },
  }
}

/** Whether an engine's bridge is in this machine's network: only there can it be fenced, and dialled by address. */
export const isBridgeHere = async (
  bridge: string,
  network: HostNetwork = hostNetwork,
): Promise<boolean> => (await network.readSetting(`ipv4/conf/${bridge}/forwarding`)) !== undefined

function requireLocalEngine(url: string, bridge: string): void {
  if (isDockerLocal(url)) return
  throw new NodeError('ENGINE_FIREWALL', `leases run on another machine (${url})`, {
    next: `run the miner where the Docker Engine runs; or fence its bridge ${bridge} there and say so with --unfenced, or "fencedByOwner" of this engine`,
  })
}

const elsewhere = (url: string, bridge: string): NodeError =>
  new NodeError('ENGINE_FIREWALL', `the engine at ${url} has its bridge in another network`, {
    next: `run the miner in the network of that engine; or fence its bridge ${bridge} there and say so with "fencedByOwner" of this engine`,
  })
