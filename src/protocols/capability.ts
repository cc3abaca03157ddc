import { hash } from 'node:crypto'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import * as Digest from 'multiformats/hashes/digest'
import { z } from 'zod'
import { hoursMs, KiB } from '../units.ts'
import { cborCodec, type Message } from './codec.ts'
import { bytes, integer, peerIdText, text, timeMs } from './fields.ts'
import { isolation } from './isolation.ts'
import type { Network } from './network.ts'
import { peerIdOfKey } from './peer-key.ts'
import { type RecordKey, sealRecord } from './seal.ts'
import { recordTypes, type Signed } from './signed.ts'
import type { RecordKind } from './topic.ts'

/** A mode of proving; one of a later version proves nothing here. */
const modeWord = () => z.string().regex(/^[a-z]{1,16}$/)

/** One GPU (or the CPU, class `cpu`) as its owner announces it: names are hints, figures are measured elsewhere. */
const device = z.looseObject({
  /** Stable on its machine: a PCI address, a MIG id, `cpu-0`. */
  id: text(64),
  vendor: text(32),
  name: text(96),
  uuid: text(96).optional(),
  vramMiB: integer(0, 64 * KiB * KiB),
  driver: text(64).optional(),
  computeCapability: text(16).optional(),
  /** Size of the matrices it proves itself with; the network's default where absent. */
  proofN: integer(256, 65_536).optional(),
  /** Bytes of the fill it keeps resident, a multiple of 512 KiB; the network's default where absent. */
  proofBytes: integer(0, 2 ** 40).optional(),
  /** The same beside a tenant; what the network's table makes of the two above where absent. */
  leasedN: integer(256, 65_536).optional(),
  leasedBytes: integer(0, 2 ** 40).optional(),
  /** `idle`, `leased` (it proves beside a tenant) or `exclusive` (a tenant bought that it does not); absent: idle. */
  mode: modeWord().optional(),
  /** Slots whose pulse is scheduled from then on have `mode`, those before it have `modeBefore`. */
  modeFromMs: timeMs().optional(),
  modeBefore: modeWord().optional(),
})

/** A hotkey's signed consent that this PeerId works for it, with its path to the root on chain (DESIGN.md, "Identity"). */
export const bindingSchema = z.looseObject({
  hotkey: bytes(32),
  hotkeyType: z.enum(['sr25519', 'ed25519']),
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  expiresAtBlock: integer(0, 0xffffffff),
  sigHotkey: bytes(64),
  sigPeer: bytes(64),
  /** Place among the hotkey's at most 64 bindings, and its Merkle siblings from the leaf up. */
  index: integer(0, 63),
  path: z.array(bytes(32)).max(6),
})

const schema = z.looseObject({
  peerId: peerIdText(),
  seq: integer(0, Number.MAX_SAFE_INTEGER),
  issuedAtMs: timeMs(),
  expiresAtMs: timeMs(),
  devices: z.array(device).max(32),
  /** What it can be found under, e.g. `gpu:h100-sxm`, `vram:80`, `cpu`. */
  classes: z
    .array(
      z
        .string()
        .regex(/^[a-z0-9]+(:[a-z0-9-]+)?$/)
        .max(48),
    )
    .max(16),
  /** How its GPUs prove: `cuda`, `webgpu`, `cpu`, or a later one. */
  backend: text(16),
  /** What its leases run in: `docker`, `process`, `none`, or a later one. */
  engine: text(16),
  isolation: isolation().optional(),
  versions: z.looseObject({ node: text(32), program: text(32) }),
  binding: bindingSchema.optional(),
  /** What takes its place once its hotkey commits to it: whoever prepared a change is bound without a gap. */
  nextBinding: bindingSchema.optional(),
})

/** At most this many bytes, as a signed record. */
export const CAPABILITY_MAX_BYTES = 16 * KiB
/** A record says what is so for at most this long. */
export const CAPABILITY_LIFETIME_MS = hoursMs(24)

export const capabilityCodec = cborCodec(schema, CAPABILITY_MAX_BYTES - 256)
export type Capability = Message<typeof capabilityCodec>
export type Device = Capability['devices'][number]
export type Binding = NonNullable<Capability['binding']>

/** What a machine can be rented for: kept in the DHT under the PeerId's own key, signed by it. */
export const capabilityKind: RecordKind<Capability> = {
  type: recordTypes.capability,
  codec: capabilityCodec,
  check({ payload, publicKey }: Signed<Capability>) {
    if (peerIdOfKey(publicKey) !== payload.peerId) return { reject: 'signed by another peer' }
    const { issuedAtMs, expiresAtMs } = payload
    if (expiresAtMs <= issuedAtMs) return { reject: 'it expires before it was issued' }
    if (expiresAtMs - issuedAtMs > CAPABILITY_LIFETIME_MS) return { reject: 'it lives too long' }
    return 'accept'
  },
}

/** Signs a capability record. */
export const sealCapability = (net: Network, key: RecordKey, value: Capability) =>
  sealRecord(net, recordTypes.capability, capabilityCodec, key, value)

/** What both keys of a binding sign: domain ‖ netDigest ‖ hotkey ‖ PeerId key ‖ u64 seq ‖ u32 expiresAtBlock. */
export function bindingMessage(
  net: Network,
  bound: Pick<Binding, 'hotkey' | 'seq' | 'expiresAtBlock'> & { readonly peerKey: Uint8Array },
): Uint8Array {
  const numbers = Buffer.alloc(12)
  numbers.writeBigUInt64BE(BigInt(bound.seq))
  numbers.writeUInt32BE(bound.expiresAtBlock, 8)
  const domain = Buffer.from('compute-node/bind/1\0')
  return Buffer.concat([domain, net.digest, bound.hotkey, bound.peerKey, numbers])
}

/** Sizes a class is offered for; a GPU is found under the largest it has (and searched upwards). */
export const VRAM_STEPS_GIB = [
  4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 141, 180, 192, 256, 288, 512,
] as const

/** The classes devices are found under: the model, and the memory rounded down to a usual size; a CPU is `cpu`. */
export function classesOf(devices: readonly Pick<Device, 'id' | 'name' | 'vramMiB'>[]): string[] {
  const found = new Set<string>()
  for (const { id, name, vramMiB } of devices) {
    if (id.startsWith('cpu')) {
      found.add('cpu')
      continue
    }
    const model = modelClass(name)
    if (model !== '') found.add(`gpu:${model}`)
    // Drivers report a little less than the card's nominal size (ECC, firmware): 2 % off still counts.
    const step = VRAM_STEPS_GIB.findLast((gib) => vramMiB >= gib * KiB * 0.98)
    if (step !== undefined) found.add(`vram:${step}`)
  }
  return [...found].toSorted().slice(0, 16)
}

/** A model as a class: `NVIDIA H100 80GB HBM3` is `h100-sxm`, `NVIDIA GeForce RTX 4090` is `rtx-4090`. */
export function modelClass(name: string): string {
  const sxm = /\bHBM3E?\b|\bSXM\d?\b/i.test(name)
  const words = name
    .replace(
      /\b(NVIDIA|AMD|Intel|GeForce|Tesla|Quadro|Radeon|Instinct|Graphics|Corporation)\b/gi,
      ' ',
    )
    .replace(/\b\d+\s?GB\b|\bHBM\d\w*\b|\bSXM\d?\b|-\d+GB\b|\(.*?\)/gi, ' ')
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  const slug = (words ?? []).join('-').slice(0, 36)
  return sxm && slug !== '' && !slug.endsWith('-sxm') ? `${slug}-sxm` : slug
}

export const SHARDS = 16
const DAY_MS = hoursMs(24)
/** The UTC day of a time, counted from 1970. */
export const utcDay = (ms: number): number => Math.floor(ms / DAY_MS)

/** Which of the 16 shards of every class a peer is in: the last four bits of its key's SHA-256. */
export const shardOf = (publicKey: Uint8Array): number =>
  (hash('sha256', publicKey, 'buffer')[31] ?? 0) % SHARDS

/**
 * Where a class's providers of one shard and UTC day are listed. Sharding bounds what one holder has to keep; the day
 * moves a class to other holders, so that nobody sits on its key for good.
 */
export function classKey(net: Network, name: string, shard: number, day: number): CID {
  const place = Buffer.alloc(5)
  place.writeUInt8(shard)
  place.writeUInt32BE(day, 1)
  const domain = Buffer.from('compute-node/class/1\0')
  const preimage = Buffer.concat([domain, net.digest, place, Buffer.from(name)])
  return CID.createV1(raw.code, Digest.create(0x12, hash('sha256', preimage, 'buffer')))
}
