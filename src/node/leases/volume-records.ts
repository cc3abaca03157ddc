import { z } from 'zod'
import { cborCodec, type Message } from '../../protocols/codec.ts'
import { integer, peerIdText, text, timeMs } from '../../protocols/fields.ts'
import { MIN_VOLUME_MIB, volumeName } from '../../protocols/volumes.ts'
import { GiB, hoursMs, KiB, MiB } from '../../units.ts'
import type { Store } from '../store.ts'

/** What a miner's owner gives for what outlives leases. */
export interface VolumePolicy {
  /** Of all renters together; 0: no volumes. */
  readonly totalMiB: number
  readonly maxPerRenter: number
  readonly maxMiBPerRenter: number
  /** Of one whose renter named none. */
  readonly defaultMiB: number
  /** How long one is kept after its last lease. */
  readonly ttlMs: number
}

/** At most this many volumes on one miner. */
export const MAX_VOLUMES_PER_MINER = 1024

export const DEFAULT_VOLUME_POLICY: VolumePolicy = {
  totalMiB: (100 * GiB) / MiB,
  maxPerRenter: 4,
  maxMiBPerRenter: (20 * GiB) / MiB,
  defaultMiB: (10 * GiB) / MiB,
  ttlMs: hoursMs(24 * 7),
}

const codec = cborCodec(
  z.looseObject({
    /** 32 hex digits: the engine's name of it comes from this. */
    id: z.string().regex(/^[0-9a-f]{32}$/),
    renter: peerIdText(),
    name: volumeName(),
    sizeMiB: integer(MIN_VOLUME_MIB, Number.MAX_SAFE_INTEGER),
    createdAtMs: timeMs(),
    /** When a lease last had it. */
    usedAtMs: timeMs(),
    enforced: z.boolean().optional(),
    /** Which of this miner's engines has it; absent: the default one. */
    hostEngine: text(32).optional(),
    usedBytes: integer(0, Number.MAX_SAFE_INTEGER).optional(),
    /** Why it is removed; `gone` once the engine has none of it. */
    removed: z.object({ atMs: timeMs(), reason: text(200), gone: z.boolean() }).optional(),
  }),
  4 * KiB,
)

/** One renter's volume as its miner keeps it: written before the engine makes or removes anything. */
export type HostedVolume = Message<typeof codec>

export interface VolumeRecords {
  all(): Promise<HostedVolume[]>
  put(volume: HostedVolume): Promise<void>
  forget(id: string): Promise<void>
}

export function volumeRecords(store: Store): VolumeRecords {
  const bucket = store.bucket('hosted-volumes')
  return {
    async all() {
      const found = await bucket.values().all()
      return found.map((value) => codec.decode(value))
    },
    put: (volume) => bucket.put(volume.id, codec.encode(volume)),
    forget: (id) => bucket.del(id),
  }
}
