import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { splitLogs } from '../../src/containers/container-usage.ts'
import { tar } from '../../src/containers/tar.ts'
import { docker } from './docker.ts'

/** Whether attacks that no shell can make can be built: gcc, with a C library to link statically. */
export function buildAttacks(folder: string): string | undefined {
  const file = join(folder, 'attacks')
  const source = join(import.meta.dirname, 'attacks.c')
  const { status } = spawnSync('gcc', ['-static', '-O1', '-o', file, source])
  return status === 0 ? file : undefined
}

/** A folder of this machine that goes with the test; a file in it is what an escaped tenant would find. */
export async function hostFolder() {
  const path = await mkdtemp(join(tmpdir(), 'cn-escape-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Puts the program of the attacks into a container, as a tenant would bring it. */
export const bringAttacks = (id: string, program: string): Promise<unknown> =>
  docker
    .getContainer(id)
    .putArchive(
      tar([{ path: 'attacks', mode: 0o755, type: 'file', data: readFileSync(program) }]),
      {
        path: '/',
      },
    )

/** Capabilities that `--privileged` adds, but for one that not every host's root has. */
const STRONG = [
  'DAC_READ_SEARCH',
  'MKNOD',
  'NET_ADMIN',
  'NET_RAW',
  'SYSLOG',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_MODULE',
  'SYS_PTRACE',
  'SYS_TIME',
]

/** What each attack is tried in first, to see that it can succeed: as Docker starts it, or with what holds it taken off. */
export const loosely: Readonly<Record<'ordinary' | 'loose', Docker.HostConfig>> = {
  ordinary: {},
  loose: {
    CapAdd: STRONG,
    SecurityOpt: ['seccomp=unconfined', 'apparmor=unconfined'],
    MaskedPaths: [],
    ReadonlyPaths: [],
    PidMode: 'host',
    DeviceCgroupRules: ['b *:* rwm', 'c *:* rwm'],
    Binds: ['/var/run/docker.sock:/var/run/docker.sock'],
    ...({ CgroupnsMode: 'host' } as object),
  },
}

/** Starts a container that no engine of ours made; its id. */
export async function startUnconfined(HostConfig: Docker.HostConfig): Promise<string> {
  const container = await docker.createContainer({
    Image: 'busybox:1.37',
    Cmd: ['sleep', '600'],
    HostConfig: { ...HostConfig, AutoRemove: true, Init: true },
  })
  await container.start()
  return container.id
}

/** What a script prints in a container, by its id. */
export async function runIn(id: string, script: string): Promise<string> {
  const exec = await docker.getContainer(id).exec({
    Cmd: ['sh', '-c', script],
    AttachStdout: true,
  })
  const stream = await exec.start({ hijack: true, stdin: false })
  return Buffer.from(splitLogs(await buffer(stream)).stdout)
    .toString()
    .trim()
}

/** What a program of this machine prints. */
export const runHere = (program: string, ...args: string[]): string =>
  spawnSync(program, args, { encoding: 'utf8' }).stdout.trim()
