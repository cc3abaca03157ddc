import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { messageOf } from '../errors.ts'
import { MiB } from '../units.ts'
import { removeNow } from './container-end.ts'
import { askDocker } from './docker-client.ts'
import { type HardenedOptions, LABEL } from './hardened-spec.ts'

/** The probe may write this much, and tries to write four times as much. */
const PROBE_MIB = 32
const HELD = 42
const PROBE_MS = 60_000
/**
 * Ends with HELD when writing stopped near the limit, and not because the whole disk is full: that is looked at before.
 * fsync, because some file systems find out late.
 */
const OVERFILL = `/bin/busybox dd if=/dev/zero of=/full bs=1048576 count=${4 * PROBE_MIB} conv=fsync && exit 0
[ "$(/bin/busybox stat -c %s /full)" -le ${(PROBE_MIB + 1) * MiB} ] && exit ${HELD}
exit 1`

/** Storage that counts the image into a container's size (notes/containers.md §3: measured on btrfs). */
const COUNTS_IMAGE: ReadonlySet<string> = new Set(['btrfs', 'zfs'])

/** What the storage has to be told so that a container may write `diskMiB` on top of its image. */
export const quotaBytes = (diskMiB: number, storageDriver: string, imageBytes: number): number =>
  diskMiB * MiB + (COUNTS_IMAGE.has(storageDriver) ? imageBytes : 0)

export interface ProbeOptions {
  readonly docker: Docker
  /** As the engine calls it. */
  readonly storageDriver: string
  /** The image of the container that tries; undefined where there can be none. */
  readonly helperImage: () => Promise<string | undefined>
}

/** What a trial showed; `why` there was no quota, for people. */
export type DiskQuota = { readonly held: true } | { readonly held: false; readonly why: string }

/**
 * Whether the engine's storage holds a container to its size. Believed only when it did: a container is overfilled,
 * because some engines take the limit and ignore it (moby 49906). It is not held also where that cannot be tried.
 */
export async function probeDiskQuota(options: ProbeOptions): Promise<DiskQuota> {
  const { docker, storageDriver, helperImage } = options
  try {
    const image = await helperImage()
    if (image === undefined)
      return { held: false, why: 'it cannot be tried without busybox-static' }
    const { Size } = await askDocker('look at an image', () => docker.getImage(image).inspect())
    const size = quotaBytes(PROBE_MIB, storageDriver, Size)
    const probe = await askDocker('probe the disk quota', (abortSignal) =>
      docker.createContainer({ ...probeSpec(image, size), abortSignal }),
    )
    try {
      await askDocker('probe the disk quota', (abortSignal) => probe.start({ abortSignal }))
      const { StatusCode } = await askDocker(
        'probe the disk quota',
        (abortSignal) => probe.wait({ abortSignal }) as Promise<{ StatusCode: number }>,
        { timeoutMs: PROBE_MS },
      )
      return StatusCode === HELD ? { held: true } : { held: false, why: 'a container wrote more' }
    } finally {
      await removeNow(probe)
    }
  } catch (error) {
    // Most storage refuses the very size; whatever it is, nothing then holds a tenant.
    return { held: false, why: messageOf(error) }
  }
}

const probeSpec = (image: string, size: number): HardenedOptions => ({
  name: `cn-quota-${randomBytes(6).toString('hex')}`,
  Image: image,
  Cmd: ['/bin/busybox', 'sh', '-c', OVERFILL],
  Labels: { [LABEL.managed]: '1' },
  HostConfig: {
    NetworkMode: 'none',
    RestartPolicy: { Name: 'no' },
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    IpcMode: 'private',
    CgroupnsMode: 'private',
    PidsLimit: 8,
    Memory: 64 * MiB,
    MemorySwap: 64 * MiB,
    StorageOpt: { size: String(size) },
    LogConfig: { Type: 'none', Config: {} },
  },
})
