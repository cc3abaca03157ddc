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

/** Whether this machine can run one: root, dockerd, btrfs. */
export async function canRunSecondDocker(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  const check = 'command -v dockerd mkfs.btrfs nsenter ip && grep -qw btrfs /proc/filesystems'
  return runProgram('sh', ['-c', check]).then(
    () => true,
    () => false,
  )
}

/** Keeps its data on btrfs, which holds containers to a size, and has a runtime `careful`, which is runc. */
export async function startSecondDocker(): Promise<SecondDocker> {
  const folder = await mkdtemp(join(tmpdir(), 'cn-docker-'))
  const [disk, data, socket] = ['disk', 'data', 'sock'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  const net = `cn-docker-${process.pid}`
  await mkdir(data)
  await runProgram('truncate', ['-s', '1G', disk])
  await runProgram('mkfs.btrfs', ['-q', disk])
  await runProgram('mount', ['-o', 'loop', disk, data])
  await runProgram('ip', ['netns', 'add', net])
  const inside = [`--net=/run/netns/${net}`]
  await runProgram('nsenter', [...inside, 'ip', 'link', 'set', 'lo', 'up'])
  const runc = (await runProgram('sh', ['-c', 'command -v runc'])).trim()
  const options = {
    'data-root': data,
    'exec-root': join(folder, 'exec'),
    pidfile: join(folder, 'pid'),
    host: `unix://${socket}`,
    'storage-driver': 'btrfs',
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
