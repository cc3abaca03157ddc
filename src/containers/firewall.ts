import { messageOf, NodeError } from '../errors.ts'
import { type Dump, fenceFlaw, fenceRules, ownRules, parseDump } from './egress-rules.ts'
import { type HostNetwork, hostNetwork } from './host-network.ts'

const WAIT = ['-w', '5'] // another program may be changing the tables
/** Another node of this machine may set its own between our look and our change. */
const TRIES = 3

/** Keeps everything behind one bridge away from the host, its networks, and its own neighbours. */
export interface Firewall {
  /**
   * Looks whether the rules stand as they were set, and sets them where they do not. `restored`: they stood before and
   * somebody undid them. ENGINE_FIREWALL when they cannot be set: then nothing keeps a tenant in.
   */
  ensure(): Promise<'stands' | 'set' | 'restored'>
}

export function createFirewall(bridge: string, network: HostNetwork = hostNetwork): Firewall {
  /** Our chains as iptables told them after they were set: it writes some rules in other words than ours. */
  let own: string | undefined

  const look = async (): Promise<Dump> => parseDump(await network.run('iptables', [...WAIT, '-S']))

  async function setRules(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const rules = fenceRules(bridge, await look())
        await network.run('iptables-restore', [...WAIT, '--noflush'], rules)
        const dump = await look()
        const flaw = fenceFlaw(bridge, dump, ownRules(bridge, dump))
        if (flaw !== undefined) throw new Error(flaw)
        own = ownRules(bridge, dump)
        return
      } catch (error) {
        if (tries === TRIES) throw error
      }
    }
  }

  return {
    async ensure() {
      try {
        const moved = await ensureSettings(bridge, network)
        if (!moved && fenceFlaw(bridge, await look(), own) === undefined) return 'stands'
        const before = own
        await setRules()
        return before === undefined ? 'set' : 'restored'
      } catch (cause) {
        throw new NodeError(
          'ENGINE_FIREWALL',
          `leases can reach this machine's private network: ${messageOf(cause)}`,
          {
            cause,
            next: `run the miner as root where the Docker Engine runs, with iptables installed; or fence the bridge ${bridge} by other means and say so with --unfenced`,
          },
        )
      }
    },
  }
}

/**
 * What the rules rely on: frames between two ports of the bridge are asked about too, and the bridge takes no IPv6,
 * which the rules do not speak of. True when something had to be changed.
 */
async function ensureSettings(bridge: string, network: HostNetwork): Promise<boolean> {
  const filtered = await ensureSetting(network, 'bridge/bridge-nf-call-iptables')
  if (filtered === undefined) throw new Error('the kernel module br_netfilter is not loaded')
  const quiet = await ensureSetting(network, `ipv6/conf/${bridge}/disable_ipv6`)
  return filtered || quiet === true
}

/** Sets it to 1 unless it is; undefined where the kernel has no such setting. */
async function ensureSetting(network: HostNetwork, name: string): Promise<boolean | undefined> {
  const value = await network.readSetting(name)
  if (value === undefined) return undefined
  if (value === '1') return false
  await network.writeSetting(name, '1')
  return true
}
