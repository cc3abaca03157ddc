import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import { removeNow } from './container-end.ts'
import { askDocker, isGone } from './docker-client.ts'
import { LABEL } from './hardened-spec.ts'
import {
  makeToolbox,
  TOOLBOX_MARK,
  TOOLBOX_PATH,
  type Toolbox,
  type ToolboxVolume,
} from './toolbox.ts'

export interface ToolboxVolumeOptions {
  readonly docker: Docker
  readonly nodeId: string
  readonly log: Log
  /** The image of the container that fills it; it is never started. */
  readonly helperImage: () => Promise<string | undefined>
}

/**
 * The volume that holds the toolbox, filled once per engine and content, in the background. A lease mounts it
 * read-only: that costs its start nothing, where unpacking into each container took 64 ms (notes/containers.md §3), and
 * no tenant can change what the miner runs. Undefined where it cannot be had: what needs it says so.
 */
export function createToolboxVolume(options: ToolboxVolumeOptions): {
  /** Looked at each time: an owner who clears up his engine removes it, and a mount would make an empty one. */
  volume(): Promise<ToolboxVolume | undefined>
  /** Resolves when nothing is being filled. */
  settled(): Promise<unknown>
} {
  const { docker, log } = options
  let ready: Promise<ToolboxVolume | undefined> | undefined
  const volume = async (): Promise<ToolboxVolume | undefined> => {
    try {
      ready ??= prepare(options)
      const made = await ready
      if (made === undefined || (await isThere(docker, made.name))) return made
      ready = prepare(options)
      return await ready
    } catch (error) {
      ready = undefined // the next lease tries again; this one goes without
      log.warn('no-toolbox', { reason: messageOf(error) })
      return undefined
    }
  }
  void volume()
  return { volume, settled: () => Promise.allSettled([ready]) }
}

async function isThere(docker: Docker, name: string): Promise<boolean> {
  try {
    await askDocker('look at the volume of the tools', () => docker.getVolume(name).inspect())
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

async function prepare(options: ToolboxVolumeOptions): Promise<ToolboxVolume | undefined> {
  const { docker, nodeId, helperImage } = options
  const [toolbox, image] = await Promise.all([makeToolbox(), helperImage()])
  if (toolbox === undefined || image === undefined) return undefined
  const name = `cn-toolbox-${toolbox.id}`
  await removeHelpers(docker, nodeId)
  await askDocker('make the volume of the tools', (abortSignal) =>
    docker.createVolume({ Name: name, Labels: { [LABEL.managed]: '1' }, abortSignal }),
  )
  const helper = await askDocker('fill the volume of the tools', (abortSignal) =>
    docker.createContainer({ ...helperSpec(nodeId, image, name), abortSignal }),
  )
  try {
    if (!(await isWhole(helper))) await fill(helper, toolbox)
  } finally {
    await removeNow(helper)
  }
  return { name, tools: toolbox.tools }
}

/** It never starts: it is there to have files put into its volume. */
const helperSpec = (nodeId: string, image: string, volume: string) => ({
  name: `cn-fill-${randomBytes(6).toString('hex')}`,
  Image: image,
  Labels: { [LABEL.managed]: '1', [LABEL.node]: nodeId, [LABEL.filler]: '1' },
  HostConfig: {
    NetworkMode: 'none',
    Mounts: [{ Type: 'volume' as const, Source: volume, Target: TOOLBOX_PATH }],
  },
})

async function isWhole(helper: Docker.Container): Promise<boolean> {
  try {
    await askDocker('look into the volume of the tools', () =>
      helper.infoArchive({ path: TOOLBOX_MARK }),
    )
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}

/** Another node of this machine may do the same at the same time: it writes the same. */
const fill = (helper: Docker.Container, { archive }: Toolbox): Promise<unknown> =>
  askDocker('fill the volume of the tools', (abortSignal) =>
    helper.putArchive(archive, { path: '/', abortSignal }),
  )

/** What a run of this node that was killed while it filled may have left. */
async function removeHelpers(docker: Docker, nodeId: string): Promise<void> {
  const left = await askDocker('list the containers', (abortSignal) =>
    docker.listContainers({
      all: true,
      filters: { label: [`${LABEL.node}=${nodeId}`, `${LABEL.filler}=1`] },
      abortSignal,
    }),
  )
  for (const { Id } of left) await removeNow(docker.getContainer(Id))
}
