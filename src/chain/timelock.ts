/**
 * Messages that open at a round of a drand beacon: `TLECiphertext<TinyBLS381>` of the Rust crate `tle`, as subtensor
 * decrypts it (notes/chain.md §3). Identity-based encryption to the round (Boneh–Franklin with the
 * Fujisaki–Okamoto transform) of a key for AES-256-GCM:
 *
 *     U(96 B, G2) ‖ vec(V) ‖ vec(W) ‖ vec(vec(AES output ‖ tag) ‖ vec(nonce)) ‖ vec("AES_GCM_")
 *
 * where `vec` is a length as u64 little-endian before the bytes.
 */
import { createCipheriv, createDecipheriv, hash, randomBytes } from 'node:crypto'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { roundPoint } from '../beacon.ts'
import { messageOf, NodeError } from '../errors.ts'
import { u64 } from './scale.ts'

const { G1, G2, fields } = bls12_381
const SUITE = 'AES_GCM_'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
const POINT_BYTES = 96
/** A commit on chain has at most this many bytes. */
export const MAX_TIMELOCKED_BYTES = 5000

type Gt = ReturnType<typeof bls12_381.pairing>

const sha256 = (...parts: Uint8Array[]): Buffer => hash('sha256', Buffer.concat(parts), 'buffer')
const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, at) => byte ^ b[at]!)
const vec = (...parts: Uint8Array[]): Uint8Array => {
  const bytes = Buffer.concat(parts)
  return Buffer.concat([u64(bytes.length), bytes])
}

/** An element of the target group as arkworks writes it: 12 coordinates of 48 B, little-endian, c0 before c1. */
function gtBytes({ c0, c1 }: Gt): Uint8Array {
  const coordinates = [c0, c1]
    .flatMap((half) => [half.c0, half.c1, half.c2])
    .flatMap((part) => [part.c0, part.c1])
  const little = (x: bigint) => Buffer.from(x.toString(16).padStart(96, '0'), 'hex').reverse()
  return Buffer.concat(coordinates.map(little))
}

/** The scalar that both sides derive from what is inside. */
const scalarOf = (sigma: Uint8Array, key: Uint8Array): bigint =>
  fields.Fr.create(BigInt(`0x${sha256(sigma, key).toString('hex')}`))

/** What an encryption draws at random; given by vectors alone. */
export interface TimelockSecrets {
  /** 32 B. */
  readonly key: Uint8Array
  /** 32 B. */
  readonly sigma: Uint8Array
  /** 12 B. */
  readonly nonce: Uint8Array
}

const draw = (): TimelockSecrets => ({
  key: randomBytes(KEY_BYTES),
  sigma: randomBytes(KEY_BYTES),
  nonce: randomBytes(NONCE_BYTES),
})

/** Encrypts bytes so that whoever has the beacon's pulse of `round` reads them, and nobody before. About 50 ms. */
export function timelock(
  plain: Uint8Array,
  round: number,
  beaconKey: Uint8Array,
  { key, sigma, nonce }: TimelockSecrets = draw(),
): Uint8Array {
  const r = scalarOf(sigma, key)
  const mask = bls12_381.pairing(roundPoint(round), G2.Point.fromBytes(beaconKey).multiply(r))
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const sealed = [cipher.update(plain), cipher.final(), cipher.getAuthTag()]
  return Buffer.concat([
    G2.Point.BASE.multiply(r).toBytes(true),
    vec(xor(sigma, sha256(gtBytes(mask)))),
    vec(xor(key, sha256(sigma))),
    vec(vec(...sealed), vec(nonce)),
    vec(Buffer.from(SUITE)),
  ])
}

/**
 * Opens what was encrypted to a round with that round's pulse, 48 B. BAD_MESSAGE_TIMELOCK for any other bytes: cut,
 * longer than a commit may be, of another round or beacon, or changed.
 */
export function openTimelock(sealed: Uint8Array, signature: Uint8Array): Uint8Array {
  try {
    return open(sealed, signature)
  } catch (cause) {
    const why = `these bytes do not open with this pulse: ${messageOf(cause)}`
    throw new NodeError('BAD_MESSAGE_TIMELOCK', why, { cause })
  }
}

function open(sealed: Uint8Array, signature: Uint8Array): Uint8Array {
  if (sealed.length > MAX_TIMELOCKED_BYTES) throw new Error('they are too long')
  const outer = reader(sealed)
  const u = G2.Point.fromBytes(outer.take(POINT_BYTES))
  const [v, w, body, suite] = [outer.vec(), outer.vec(), outer.vec(), outer.vec()]
  outer.end()
  if (v.length !== KEY_BYTES || w.length !== KEY_BYTES) throw new Error('a key has another length')
  if (Buffer.from(suite).toString() !== SUITE) throw new Error('they have another cipher')
  const mask = bls12_381.pairing(G1.Point.fromBytes(signature), u)
  const sigma = xor(v, sha256(gtBytes(mask)))
  const key = xor(w, sha256(sigma))
  if (!G2.Point.BASE.multiply(scalarOf(sigma, key)).equals(u))
    throw new Error('the pulse is of another round')
  return unseal(body, key)
}

function unseal(body: Uint8Array, key: Uint8Array): Uint8Array {
  const inner = reader(body)
  const [sealed, nonce] = [inner.vec(), inner.vec()]
  inner.end()
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) throw new Error('they are cut')
  const decipher = createDecipheriv('aes-256-gcm', key, nonce)
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
  return Buffer.concat([decipher.update(sealed.subarray(0, -TAG_BYTES)), decipher.final()])
}

/** Reads bytes front to back; throws where they end too early. */
function reader(bytes: Uint8Array) {
  let at = 0
  const take = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Error('they are cut')
    at += length
    return bytes.subarray(at - length, at)
  }
  return {
    take,
    vec: () => take(Number(Buffer.from(take(8)).readBigUInt64LE())),
    end() {
      if (at !== bytes.length) throw new Error('something follows them')
    },
  }
}
