/**
 * Public randomness. A pulse is one BLS signature over its round number: nobody can know it early, anybody can check
 * it. Scheme: drand "bls-unchained-g1-rfc9380" — signature on G1 (48 B), public key on G2 (96 B), message
 * SHA-256(round as u64 big-endian), randomness SHA-256(signature). Slots start at pulses (notes/gpu-protocol.md §1).
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { fromHex, sha256 } from './bytes.ts'

const bls = bls12_381.shortSignatures
const DST = 'BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_'

export interface Pulse {
  readonly round: number
  /** 48 B, compressed G1. */
  readonly signature: Uint8Array
  /** 32 B. */
  readonly randomness: Uint8Array
}

export interface BeaconInfo {
  readonly name: string
  /** 96 B, compressed G2. */
  readonly publicKey: Uint8Array
  readonly periodMs: number
  /** Scheduled time of round 1, unix ms. */
  readonly genesisMs: number
}

export interface Beacon extends BeaconInfo {
  /** Checks untrusted bytes: a Pulse exists only if its signature is right. Costs about 30 ms. Never throws. */
  verify(round: number, signature: Uint8Array): Pulse | null
}

/** The scheduled time of a round, unix ms. */
export const timeOf = (beacon: BeaconInfo, round: number): number =>
  beacon.genesisMs + (round - 1) * beacon.periodMs

/** The newest round scheduled at or before `ms`; below 1 before the beacon's genesis. */
export const roundAt = (beacon: BeaconInfo, ms: number): number =>
  Math.floor((ms - beacon.genesisMs) / beacon.periodMs) + 1

/** The point of G1 that a round's pulse signs: the identity which timelocked messages are encrypted to. */
export function roundPoint(round: number) {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(round))
  return bls.hash(sha256(bytes), DST)
}

const validRound = (round: number): boolean => Number.isSafeInteger(round) && round >= 1

/** A verifier for one beacon; throws when its public key is no point of the prime-order subgroup. */
export function createBeacon(info: BeaconInfo): Beacon {
  const publicKey = bls12_381.G2.Point.fromBytes(info.publicKey)
  publicKey.assertValidity()
  if (publicKey.is0()) {
    throw new Error('beacon public key is the identity: every signature would pass')
  }
  return {
    ...info,
    verify(round, signature) {
      if (!validRound(round) || signature.length !== 48) return null
      try {
        // noble throws on bytes that are no curve point (most corruptions) and returns false on a wrong point
        const point = bls.Signature.fromBytes(signature)
        point.assertValidity()
        if (!bls.verify(point, roundPoint(round), publicKey)) return null
      } catch {
        return null
      }
      return { round, signature, randomness: sha256(signature) }
    },
  }
}

/** drand quicknet, chain hash 52db9ba7…c84e971, which commits to period, genesis, key and scheme. */
export const QUICKNET: BeaconInfo = {
  name: 'quicknet',
  publicKey: fromHex(
    '83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a',
  ),
  periodMs: 3000,
  genesisMs: 1_692_803_367_000,
}

export interface DevBeacon extends Beacon {
  sign(round: number): Pulse
}

/** A beacon of the same scheme with a known secret (32 B), for local networks: whoever holds it knows the future. */
export function devBeacon(secret: Uint8Array, periodMs: number, genesisMs: number): DevBeacon {
  const publicKey = bls.getPublicKey(secret).toBytes()
  return {
    ...createBeacon({ name: 'dev', publicKey, periodMs, genesisMs }),
    sign(round) {
      const signature = bls.Signature.toBytes(bls.sign(roundPoint(round), secret))
      return { round, signature, randomness: sha256(signature) }
    },
  }
}
