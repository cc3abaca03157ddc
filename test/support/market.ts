import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { Capability } from '../../src/protocols/capability.ts'
import { createNetwork } from '../../src/protocols/network.ts'
import type { Offer } from '../../src/protocols/offers.ts'
import { peerIdOfKey } from '../../src/protocols/peer-key.ts'
import type { RecordKey } from '../../src/protocols/seal.ts'

/** A fixed moment, so that records and vectors are the same in every run. */
export const NOW_MS = 1_750_000_000_000

export const testNet = (netuid = 1) => createNetwork('local', netuid, new Uint8Array(32).fill(7))

/** A peer's key from a one-byte seed, with its PeerId. */
export function testKey(seed: number): RecordKey & { readonly peerId: string } {
  const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex')
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8, new Uint8Array(32).fill(seed)]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const publicKey = new Uint8Array(spki.subarray(-32))
  return { privateKey, publicKey, peerId: peerIdOfKey(publicKey) }
}

/** A CPU miner's record at `NOW_MS`. */
export const capabilityOf = ({ peerId }: { readonly peerId: string }): Capability => ({
  peerId,
  seq: NOW_MS,
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 3_600_000,
  devices: [{ id: 'cpu-0', vendor: 'AMD', name: 'EPYC', vramMiB: 0 }],
  classes: ['cpu'],
  backend: 'cpu',
  engine: 'none',
  versions: { node: '24.21.0', program: '0.1.0' },
})

/** A CPU miner's offer at `NOW_MS`. */
export const offerOf = ({ peerId }: { readonly peerId: string }, change: object = {}): Offer => ({
  peerId,
  lot: 0,
  seq: NOW_MS,
  issuedAtMs: NOW_MS,
  expiresAtMs: NOW_MS + 600_000,
  devices: [{ id: 'cpu-0', vendor: 'AMD', name: 'EPYC', vramMiB: 0 }],
  host: { cpuName: 'EPYC', cpuArch: 'x64', cpuCores: 2, ramMiB: 4096, diskMiB: 10_240 },
  engine: 'process',
  dph: '0.1',
  asset: 'DEV',
  terms: { minLeaseMs: 60_000, maxLeaseMs: 3_600_000, rails: ['dev'] },
  ...change,
})
