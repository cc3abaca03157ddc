import { NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { dockerAddress } from './docker-address.ts'
import { createFirewall, type Firewall } from './firewall.ts'
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
  readonly firewall?: Firewall
}

/** The fence of the leases' bridge. Nothing is set before the first `ensure`. */
export function createFence({
  log,
  unfenced,
  firewall = createFirewall(LEASE_BRIDGE),
}: FenceOptions): Fence {
  let stands = false
  let told = false
  return {
    get stands() {
      return stands
    },
    async ensure() {
      try {
        requireLocalEngine()
        const found = await firewall.ensure()
        if (found === 'restored') log.warn('fence-restored', { bridge: LEASE_BRIDGE })
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

function requireLocalEngine(): void {
  if (dockerAddress().startsWith('unix://')) return
  throw new NodeError('ENGINE_FIREWALL', `leases run on another machine (${dockerAddress()})`, {
    next: 'run the miner where the Docker Engine runs; or fence its bridge cn-leases0 there and say so with --unfenced',
  })
}
