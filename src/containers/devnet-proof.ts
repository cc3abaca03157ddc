import { NodeError } from '../errors.ts'

/**
 * What a node must show before strangers' commands may run without isolation: that there are no strangers. Every
 * part says that this is a devnet on this machine alone.
 */
export interface DevnetProof {
  /** The network's name; only `local` passes. */
  readonly network: string
  /** Of the network that this node is on; 32 bytes. */
  readonly genesis: Uint8Array
  /** As the embedded development chain itself states it; 32 bytes. */
  readonly embeddedGenesis: Uint8Array
  /** Multiaddrs this node listens on. */
  readonly listen: readonly string[]
  /** The PeerIds that the connection gater admits; nobody else gets in. */
  readonly admittedPeerIds: readonly string[]
}

const LOOPBACK = /^\/(ip4\/127(\.\d{1,3}){3}|ip6\/::1|unix)\//

/** Why these facts do not show a devnet, or undefined when they do. */
export function flawIn(proof: DevnetProof): string | undefined {
  const { network, genesis, embeddedGenesis, listen, admittedPeerIds } = proof
  if (network !== 'local') return `the network is ${network}, not local`
  if (genesis.length !== 32 || !Buffer.from(genesis).equals(embeddedGenesis)) {
    return 'its genesis is not that of the embedded chain'
  }
  const open = listen.find((address) => !LOOPBACK.test(address))
  if (open !== undefined) return `it listens on ${open}, not on loopback alone`
  if (listen.length === 0) return 'it does not say where it listens'
  if (admittedPeerIds.length === 0) return 'it does not say which peers it admits'
  return undefined
}

/** Throws BAD_CONFIG_ENGINE unless the facts show a devnet on this machine alone. */
export function requireDevnet(proof: DevnetProof): void {
  const flaw = flawIn(proof)
  if (flaw === undefined) return
  throw new NodeError(
    'BAD_CONFIG_ENGINE',
    `the process engine isolates nothing and refuses: ${flaw}`,
    {
      next: 'install a Docker Engine and use --engine docker',
    },
  )
}
