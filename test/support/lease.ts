import type { Network } from '../../src/protocols/network.ts'
import { leaseIdOf, sealTerms, type Terms } from '../../src/protocols/terms.ts'
import { NOW_MS, testKey, testNet } from './market.ts'

export const net = testNet()
export const miner = testKey(1)
export const renter = testKey(2)
export const stranger = testKey(3)

/** Terms between `renter` and `miner`: 3.6 DEV per hour is 1 base unit per millisecond. */
export const termsOf = (changes: Partial<Terms> = {}, network: Network = net): Terms => ({
  net: network.digest,
  renter: renter.peerId,
  miner: miner.peerId,
  renterNonce: new Uint8Array(16).fill(1),
  minerNonce: new Uint8Array(16).fill(2),
  offerId: new Uint8Array(32).fill(3),
  asset: 'DEV',
  rail: 'dev',
  pricePerHour: '3600000',
  cap: '60000',
  image: 'busybox:1.37',
  devices: ['cpu-0'],
  memoryMiB: 256,
  milliCpus: 1000,
  durationMs: 60_000,
  receiptEveryMs: 1000,
  authorized: [],
  quotedAtMs: NOW_MS,
  acceptByMs: NOW_MS + 30_000,
  ...changes,
})

/** The terms as both signed them, and the lease's id. */
export function agreed(changes: Partial<Terms> = {}) {
  const terms = termsOf(changes)
  return {
    terms,
    leaseId: leaseIdOf(net, terms),
    minerTerms: sealTerms(net, miner, terms).bytes,
    renterTerms: sealTerms(net, renter, terms).bytes,
  }
}
