import type Docker from 'dockerode'
import { messageOf, NodeError } from '../errors.ts'
import type { Log } from '../log.ts'
import { MiB, minutesMs } from '../units.ts'
import { askDocker, isGone } from './docker-client.ts'
import type { EngineVolumes, KeptVolume, NewVolume } from './engine-volumes.ts'
import { canSizeVolumes, createSizedVolumes, type SizedVolumes } from './sized-volume.ts'
import { volumeIdOf, volumeLabels, volumeSource } from './volume-mount.ts'

export interface DockerVolumesOptions {
  readonly docker: Docker
  readonly nodeId: string
  readonly log: Log
  /** Where files with file systems may lie; undefined: none are made. */
  readonly folder: string | undefined
  /** Where the engine is. */
  readonly url: string
}

/** Measuring every volume of an engine may take this long. */
const MEASURE_MS = minutesMs(5)

interface Found {
  readonly Name: string
  readonly Options: Readonly<Record<string, string>> | null
  readonly UsageData?: { readonly Size: number } | null
}

/**
 * Volumes of a Docker Engine. Held to their size by the engine's own storage where that can (xfs with project quotas),
 * else by a file system in a file where this node may mount one (37 ms: notes/containers.md §3), else only measured.
 */
export function createDockerVolumes(options: DockerVolumesOptions): EngineVolumes & {
  close(): Promise<void>
} {
  const { docker, nodeId, log, folder, url } = options
  const files: SizedVolumes | undefined =
    folder === undefined ? undefined : createSizedVolumes(folder)
  let sizing: Promise<boolean> | undefined
  const canSize = (): Promise<boolean> => (sizing ??= canSizeVolumes(url))

  const make = (id: string, driver: Record<string, string>): Promise<unknown> =>
    askDocker('make a volume', (abortSignal) =>
      docker.createVolume({
        Name: volumeSource(id),
        Driver: 'local',
        Labels: volumeLabels(nodeId, id),
        DriverOpts: driver,
        abortSignal,
      }),
    )

  /** What the engine knows of a volume; undefined when it has none of that name. */
  async function look(id: string): Promise<Found | undefined> {
    try {
      const volume = docker.getVolume(volumeSource(id))
      return (await askDocker('look at a volume', () => volume.inspect())) as unknown as Found
    } catch (error) {
      if (isGone(error)) return undefined
      throw error
    }
  }

  async function makeNew({ id, sizeMiB }: NewVolume): Promise<KeptVolume> {
    try {
      await make(id, { size: String(sizeMiB * MiB) })
      return { id, enforced: true }
    } catch (error) {
      // Most storage has no quota and says so; whatever else it was shows again below.
      log.debug('volume-without-quota', { volume: id, reason: messageOf(error) })
    }
    const device = await mounted(id, sizeMiB)
    await make(id, device === undefined ? {} : bindTo(device))
    return { id, enforced: device !== undefined }
  }

  /** Where a new file system is mounted; undefined where this machine can have none. */
  async function mounted(id: string, sizeMiB: number): Promise<string | undefined> {
    if (files === undefined || !(await canSize())) return undefined
    try {
      return await files.mount(id, sizeMiB)
    } catch (error) {
      log.warn('volume-not-held', { volume: id, reason: messageOf(error) })
      await files.remove(id)
      return undefined
    }
  }
  return {
    async ensure(volume) {
      const { id, sizeMiB } = volume
      const found = await look(id)
      if (files !== undefined && (await files.has(id))) {
        const device = await files.mount(id, sizeMiB)
        if (found === undefined) await make(id, bindTo(device))
        else if (found.Options?.['device'] !== device) throw displaced(id)
        return { id, enforced: true }
      }
      if (found === undefined) return makeNew(volume)
      if (found.Options?.['device'] !== undefined) throw displaced(id)
      return { id, enforced: isEnforced(found) }
    },
    async list() {
      const label = [`cn.node=${nodeId}`, 'cn.volume']
      const { Volumes } = await askDocker('list the volumes', (abortSignal) =>
        docker.listVolumes({ filters: { label }, abortSignal }),
      )
      const kept = ((Volumes ?? []) as unknown as Found[]).flatMap((found) => {
        const id = volumeIdOf(found.Name)
        return id === undefined ? [] : [{ id, enforced: isEnforced(found) }]
      })
      // `docker volume prune` takes the engine's name away, not what is in the file.
      const unnamed = ((await files?.ids()) ?? []).filter(
        (id) => !kept.some((one) => one.id === id),
      )
      return [...kept, ...unnamed.map((id) => ({ id, enforced: true }))]
    },
    async usedBytes() {
      const kept = await this.list()
      const used = new Map<string, number>()
      const others: string[] = []
      for (const { id } of kept) {
        if (files === undefined || !(await files.has(id))) others.push(id)
        else {
          const bytes = await files.usedBytes(id)
          if (bytes !== undefined) used.set(id, bytes)
        }
      }
      if (others.length === 0) return used
      for (const [id, bytes] of await measured(docker)) if (others.includes(id)) used.set(id, bytes)
      return used
    },
    async remove(id) {
      try {
        const volume = docker.getVolume(volumeSource(id))
        await askDocker('remove a volume', (abortSignal) => volume.remove({ abortSignal }))
      } catch (error) {
        if (!isGone(error)) throw error
      }
      await files?.remove(id)
    },
    close: async () => files?.close(),
  }
}

const bindTo = (device: string) => ({ type: 'none', o: 'bind', device })

const isEnforced = ({ Options }: Found): boolean =>
  Options?.['size'] !== undefined || Options?.['device'] !== undefined

/** A file that is not where it was made: mounting what lies there instead could be the bare disk. */
const displaced = (id: string): NodeError =>
  new NodeError('ENGINE_VOLUME', `the file of volume ${id} is not where it was made`, {
    next: 'move the data folder back, or remove the volume: docker volume rm cn-volume-…',
  })

/** What the engine counts; it walks through all files. */
async function measured(docker: Docker): Promise<Map<string, number>> {
  const { Volumes } = await askDocker('measure the volumes', () => diskUse(docker), {
    timeoutMs: MEASURE_MS,
  })
  return new Map(
    (Volumes ?? []).flatMap(({ Name, UsageData }) => {
      const id = volumeIdOf(Name)
      return id === undefined || UsageData == null || UsageData.Size < 0
        ? []
        : [[id, UsageData.Size] as const]
    }),
  )
}

/** The client's own call asks for everything, and walks through images and containers, too; engines of 2020 always do. */
const diskUse = (docker: Docker): Promise<{ readonly Volumes?: readonly Found[] | null }> =>
  new Promise((resolve, reject) => {
    const request = {
      path: '/system/df?type=volume',
      method: 'GET',
      statusCodes: { 200: true, 500: 'server error' },
    }
    docker.modem.dial(request, (error: unknown, found: unknown) =>
      error == null ? resolve(found as { readonly Volumes?: readonly Found[] }) : reject(error),
    )
  })
