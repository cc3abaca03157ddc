import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Docker from 'dockerode'
import { sleep } from '../../src/clock.ts'
import { runProgram } from '../../src/containers/host-network.ts'

/** A Docker Engine of its own network and disk, beside this machine's: what this machine's cannot do is tried there. */
export interface SecondDocker extends AsyncDisposable {
  /** For DOCKER_HOST. */
  readonly address: string
  readonly docker: Docker
}

interface Storage {
  readonly driver: string
  readonly mountOptions: string
  /** A shell's question: whether the kernel has it. */
  readonly inKernel: string
}

/** File systems that hold containers to a size, and how an engine is told to use them. */
const STORAGES = {
  btrfs: {
    driver: 'btrfs',
    mountOptions: 'loop',
    inKernel: 'grep -qw btrfs /proc/filesystems',
  },
  xfs: {
    driver: 'overlay2',
    mountOptions: 'loop,pquota',
    // It shows there only where it was built with quotas.
    inKernel: '{ modprobe -q xfs; [ -e /proc/fs/xfs/xqmstat ]; }',
  },
} as const satisfies Record<string, Storage>

export type StorageName = keyof typeof STORAGES

/** Sparse; above what must be free where leases begin (src/containers/disk-space.ts). */
const DISK = '4G'

const succeeds = (check: string): Promise<boolean> =>
  runProgram('sh', ['-c', check]).then(
    () => true,
    () => false,
  )

/** Whether this machine’s kernel can hold containers on it to a size. */
export const kernelHolds = (storage: StorageName): Promise<boolean> =>
  succeeds(STORAGES[storage].inKernel)

/** Whether this machine has the programs for one: as root, dockerd, mkfs and more. */
export async function canRunSecondDocker(storage: StorageName): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  return succeeds(`command -v dockerd mkfs.${storage} nsenter ip`)
}

/** Keeps its data where containers are held to a size, and has a runtime `careful`, which is runc. */
export async function startSecondDocker(storage: StorageName): Promise<SecondDocker> {
  const { driver, mountOptions } = STORAGES[storage]
  const folder = await mkdtemp(join(tmpdir(), 'cn-docker-'))
  const [disk, data, socket] = ['disk', 'data', 'sock'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const net = `cn-docker-${storage}-${process.pid}`
  await mkdir(data)
  await runProgram('truncate', ['-s', DISK, disk])
  await runProgram(`mkfs.${storage}`, ['-q', disk])
  await runProgram('mount', ['-o', mountOptions, disk, data])
  await runProgram('ip', ['netns', 'add', net])
  const inside = [`--net=/run/netns/${net}`]
  await runProgram('nsenter', [...inside, 'ip', 'link', 'set', 'lo', 'up'])
  const runc = (await runProgram('sh', ['-c', 'command -v runc'])).trim()
  const options = {
    'data-root': data,
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'pid'),
    host: `unix://${socket}`,
    'storage-driver': driver,
    'add-runtime': `careful=${runc}`,
  }
  const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`)
  const engine = spawn('nsenter', [...inside, 'dockerd', ...flags], { stdio: 'ignore' })
  const docker = new Docker({ socketPath: socket })
  for (let tries = 0; ; tries++) {
    try {
      await docker.ping()
      break
    } catch (error) {
      if (tries === 300 || engine.exitCode !== null) throw error
      await sleep(100)
    }
  }
  return {
    address: `unix://${socket}`,
    docker,
    async [Symbol.asyncDispose]() {
      engine.kill()
      await once(engine, 'exit')
      await runProgram('umount', [data])
      await runProgram('ip', ['netns', 'del', net])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
