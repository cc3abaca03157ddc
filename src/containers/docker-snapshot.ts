import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { NodeError } from '../errors.ts'
import { hoursMs, MiB } from '../units.ts'
import { askDocker } from './docker-client.ts'
import { LABEL } from './hardened-spec.ts'
import { removeImage } from './images.ts'
import { renameImage } from './rename-image.ts'
import type { Snapshot, SnapshotOptions } from './snapshot.ts'

/** Images of this path are snapshots under way, of whatever node of this machine. */
const PATH = 'cn-snapshot'
/** Writing what a container changed may take this long. */
const COMMIT_MS = hoursMs(1)

export interface SnapshotParts {
  readonly docker: Docker
  readonly container: Docker.Container
  readonly nodeId: string
}

/**
 * Makes an image of what a container is now, to be opened as an archive. The image is removed when the snapshot is
 * disposed; one that a crash left is found by its label (`removeSnapshots`).
 * @throws REFUSED_SNAPSHOT_SIZE when it would be larger than asked
 */
export async function snapshotOf(
  parts: SnapshotParts,
  options: SnapshotOptions,
): Promise<Snapshot> {
  const { docker, container } = parts
  const { pause, maxBytes, signal } = options
  const aboutBytes = await sizeOf(container)
  if (aboutBytes > maxBytes) {
    const size = Math.ceil(aboutBytes / MiB)
    throw new NodeError('REFUSED_SNAPSHOT_SIZE', `it has ${size} MiB with its image`, {
      next: `the limit is ${Math.floor(maxBytes / MiB)} MiB: raise --max-size, or copy the files out instead`,
    })
  }
  const tag = randomBytes(8).toString('hex')
  const name = `${PATH}:${tag}`
  const remove = () => removeImage(docker, name)
  try {
    const changes = await changesOf(parts)
    // To its end, whoever left: an engine goes on with it in any case, and the image would appear afterwards.
    await askDocker(
      'make an image of the container',
      (abortSignal) => container.commit({ repo: PATH, tag, pause, changes, abortSignal } as object),
      { timeoutMs: COMMIT_MS },
    )
    signal.throwIfAborted()
    const opened = new Set<Readable>()
    return {
      aboutBytes,
      async open() {
        const saved = (await askDocker('export the image', () => docker.getImage(name).get(), {
          timeoutMs: COMMIT_MS,
          signal,
        })) as Readable
        const archive = renameImage(saved, name, options.tag)
        archive.once('close', () => {
          saved.destroy()
          opened.delete(archive)
        })
        opened.add(archive)
        return archive
      },
      async [Symbol.asyncDispose]() {
        for (const archive of opened) archive.destroy()
        await remove()
      },
    }
  } catch (error) {
    await remove()
    throw error
  }
}

async function sizeOf(container: Docker.Container): Promise<number> {
  const options: Docker.ContainerInspectOptions & { size: true } = { size: true }
  const { SizeRootFs = 0 } = (await askDocker(
    'measure the container',
    (abortSignal) => container.inspect({ ...options, abortSignal }),
    { timeoutMs: COMMIT_MS },
  )) as { readonly SizeRootFs?: number }
  return SizeRootFs
}

/**
 * What the node set on the container for its own ends is not the tenant's: labels are emptied (an engine lets none be
 * taken away), the command is the image's own again, and of the variables those of the image and the tenant remain.
 */
async function changesOf({ docker, container, nodeId }: SnapshotParts): Promise<string[]> {
  const { Config, Image } = await askDocker('look at the container', (abortSignal) =>
    container.inspect({ abortSignal }),
  )
  const image = await askDocker('look at its image', () => docker.getImage(Image).inspect())
  const own = Object.keys(Config.Labels ?? {}).filter((name) => name.startsWith('cn.'))
  const { Entrypoint, Cmd, Env } = image.Config
  return [
    ...own.map((name) => `LABEL ${name}=""`),
    `LABEL ${LABEL.snapshot}="${nodeId}"`,
    ...foreignIn(Config.Env ?? [], Env ?? []).map((name) => `ENV ${name}=""`),
    `ENV ${GPUS}=${gpusIn(Env ?? [])}`,
    `ENTRYPOINT ${JSON.stringify([Entrypoint ?? []].flat())}`,
    `CMD ${JSON.stringify(Cmd ?? [])}`,
  ]
}

const GPUS = 'NVIDIA_VISIBLE_DEVICES'

/** Variables that came with the lease and not with its image, secrets maybe: emptied, as an engine takes none away. */
const foreignIn = (own: readonly string[], image: readonly string[]): string[] =>
  own
    .filter((line) => !image.includes(line))
    .map((line) => line.slice(0, line.indexOf('=')))
    .filter((name) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== GPUS)

/** As the image had it: the node's own value names this machine's GPUs. */
function gpusIn(env: readonly string[]): string {
  const value = env.find((line) => line.startsWith(`${GPUS}=`))?.slice(GPUS.length + 1) ?? ''
  return /^[\w,:-]+$/.test(value) ? value : 'void'
}

/** Removes the images that snapshots of a run before this one left; those with another name are somebody's. */
export async function removeSnapshots(docker: Docker, nodeId: string): Promise<number> {
  const left = await askDocker('list the images of snapshots', (abortSignal) =>
    docker.listImages({ filters: { label: [`${LABEL.snapshot}=${nodeId}`] }, abortSignal }),
  )
  let removed = 0
  for (const { Id, RepoTags } of left) {
    const names = (RepoTags ?? []).filter((name) => name !== '<none>:<none>')
    if (!names.every((name) => name.startsWith(`${PATH}:`))) continue
    await removeImage(docker, names[0] ?? Id)
    removed += 1
  }
  return removed
}
