import { z } from 'zod'
import { bytes, integer, text, timeMs } from './fields.ts'

/** What a renter calls a volume; its own on each miner. */
export const volumeName = (): z.ZodType<string> =>
  z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be a name such as data or model-cache')

/** Folders of the kernel and of the miner's own tools, where nothing else may lie. */
const TAKEN = /^\/(proc|sys|dev|run|\.cn)(\/|$)/

/** Where a volume appears in a container: an absolute path without `.` and `..`. */
export const volumePath = (): z.ZodType<string> =>
  z
    .string()
    .max(255)
    .regex(/^(\/[A-Za-z0-9_.+@-]+)+$/, 'must be an absolute path such as /data')
    .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'has . or ..')
    .refine((path) => !TAKEN.test(path), 'is not free for volumes')

/** A lease mounts at most this many. */
export const MAX_VOLUMES = 8
/** The smallest and the largest that can be asked for. */
export const MIN_VOLUME_MIB = 16
const MAX_VOLUME_MIB = 2 ** 30

const mount = {
  name: volumeName(),
  path: volumePath(),
  /** Nothing is written to it: any number of leases may have it so, beside one that writes. */
  readOnly: z.literal(true).optional(),
}
/** How large a volume may be. */
export const volumeSizeMiB = () => integer(MIN_VOLUME_MIB, MAX_VOLUME_MIB)
const sizeMiB = volumeSizeMiB()

/** Whether no two of them have one name or one path. */
export const apart = <T extends { name: string; path: string }>(volumes: readonly T[]): boolean =>
  new Set(volumes.map(({ name }) => name)).size === volumes.length &&
  new Set(volumes.map(({ path }) => path)).size === volumes.length

const listOf = <T extends { name: string; path: string }>(volume: z.ZodType<T>) =>
  z.array(volume).min(1).max(MAX_VOLUMES).refine(apart, 'names and paths must differ')

/** What a renter asks for; without a size it takes what there is, or what the miner gives. */
export const askedVolumes = () => listOf(z.looseObject({ ...mount, sizeMiB: sizeMiB.optional() }))
/** What both sign. */
export const agreedVolumes = () => listOf(z.looseObject({ ...mount, sizeMiB }))
export type AskedVolume = z.infer<ReturnType<typeof askedVolumes>>[number]
export type AgreedVolume = z.infer<ReturnType<typeof agreedVolumes>>[number]

/** Asks what this renter keeps here; answered by the miner of them. */
export const listVolumes = z.looseObject({ kind: z.literal('volumes') })
/** Removes one, with all that is in it. */
export const removeVolume = z.looseObject({ kind: z.literal('remove-volume'), name: volumeName() })

/** One volume as its miner tells its owner, and nobody else. */
const volumeStatus = z.looseObject({
  name: volumeName(),
  sizeMiB,
  /** Whether the storage itself ends its growth; else it is measured, and a lease that writes more ends. */
  enforced: z.boolean(),
  /** Absent before it was measured. */
  usedBytes: integer(0, Number.MAX_SAFE_INTEGER).optional(),
  createdAtMs: timeMs(),
  /** The leases that have it now. */
  leases: z.array(bytes(32)).max(64),
  /** When it is removed unless a lease takes it; absent while one has it. */
  expiresAtMs: timeMs().optional(),
  /** Why it was removed, and when; told for a while. */
  removed: z.looseObject({ atMs: timeMs(), reason: text(200) }).optional(),
})
export type VolumeStatus = z.infer<typeof volumeStatus>

/** The answer to both. */
export const volumesAnswer = z.looseObject({
  kind: z.literal('volumes'),
  volumes: z.array(volumeStatus).max(64),
})
