import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  statfs,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { NodeError } from '../errors.ts'
import { MiB } from '../units.ts'
import { dockerAddress, USUAL_ENGINE } from './docker-address.ts'
import { runProgram } from './host-network.ts'

const ENGINE_PID = '/var/run/docker.pid'

/** Files that hold an ext4 file system each, mounted by this node: a volume that the kernel holds to its size. */
export interface SizedVolumes {
  /** Makes the file where there is none, and mounts it; resolves with the folder where it is mounted. */
  mount(id: string, sizeMiB: number): Promise<string>
  has(id: string): Promise<boolean>
  /** Those whose file is there. */
  ids(): Promise<string[]>
  /** Bytes in use; undefined for one that is not mounted here. */
  usedBytes(id: string): Promise<number | undefined>
  remove(id: string): Promise<void>
  /** Lets go of all mounts; containers that have one keep it. */
  close(): Promise<void>
}

/**
 * Whether such volumes can be had: they take root, mkfs.ext4, and an engine on this machine that sees what this process
 * mounts. A wrong yes would let a tenant write into the folder below the mount, so whatever is unclear is a no.
 */
export async function canSizeVolumes(url = dockerAddress()): Promise<boolean> {
  if (process.getuid?.() !== 0 || url !== USUAL_ENGINE) return false
  try {
    const pid = (await readFile(ENGINE_PID, 'utf8')).trim()
    const [own, engines] = await Promise.all(
      ['self', pid].map((process) => readlink(`/proc/${process}/ns/mnt`)),
    )
    await runProgram('mkfs.ext4', ['-V'])
    return own === engines
  } catch {
    return false // no such engine, or no such program: measured instead
  }
}

/** The volumes whose files and mounts lie in one folder. */
export function createSizedVolumes(folder: string): SizedVolumes {
  const fileOf = (id: string): string => join(folder, `${id}.ext4`)
  const mountOf = (id: string): string => join(folder, id)

  /** None before the first volume. */
  async function names(): Promise<string[]> {
    try {
      return await readdir(folder)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
  async function make(id: string, sizeMiB: number): Promise<void> {
    const draft = `${fileOf(id)}.new`
    await writeFile(draft, '', { mode: 0o600 })
    // Sparse: it takes what is written, not what is promised.
    await truncate(draft, sizeMiB * MiB)
    await runProgram('mkfs.ext4', ['-q', '-F', '-m', '0', draft])
    await rename(draft, fileOf(id))
  }
  async function unmount(id: string): Promise<void> {
    if (await isMounted(mountOf(id))) await runProgram('umount', [mountOf(id)])
  }
  const has = async (id: string): Promise<boolean> => (await names()).includes(`${id}.ext4`)

  return {
    has,
    ids: async () =>
      (await names()).flatMap((name) => /^([0-9a-f]{32})\.ext4$/.exec(name)?.[1] ?? []),
    async mount(id, sizeMiB) {
      await mkdir(mountOf(id), { recursive: true, mode: 0o700 })
      if (!(await has(id))) await make(id, sizeMiB)
      if (await isMounted(mountOf(id))) return mountOf(id)
      // A file that is mounted already, by a container of a former run, keeps its one device: mount(8), "loop".
      await runProgram('mount', ['-o', 'loop,nosuid,nodev,noatime', fileOf(id), mountOf(id)])
      if (!(await isMounted(mountOf(id)))) {
        throw new NodeError('ENGINE_VOLUME', `the volume at ${mountOf(id)} is not mounted`)
      }
      await rm(join(mountOf(id), 'lost+found'), { recursive: true, force: true })
      await chmod(mountOf(id), 0o1777) // images that run as a user of their own write to it, too
      return mountOf(id)
    },
    async usedBytes(id) {
      if (!(await isMounted(mountOf(id)))) return undefined
      const { blocks, bfree, bsize } = await statfs(mountOf(id))
      return (blocks - bfree) * bsize
    },
    async remove(id) {
      await unmount(id)
      for (const path of [fileOf(id), `${fileOf(id)}.new`, mountOf(id)]) {
        await rm(path, { recursive: true, force: true })
      }
    },
    async close() {
      for (const name of await names()) if (!name.includes('.')) await unmount(name)
    },
  }
}

/** Spaces and the like are written in octal there; the folder is looked for as it is written. */
async function isMounted(folder: string): Promise<boolean> {
  const written = folder.replace(
    /[\s\\]/g,
    (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  return table.split('\n').some((line) => line.split(' ')[4] === written)
}
